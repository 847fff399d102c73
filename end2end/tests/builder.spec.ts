import type { Page } from "@playwright/test";
import { audience, counted, expect, finished, pickCustomer, pickTags, sendNow, test, unique, withJavaScript, write } from "../support/test";

test.describe("the builder", () => {
  test("nothing is chosen beforehand, and each choice shows its own question", async ({ page }) => {
    await page.goto("/marketing/campaigns/new");
    const kinds = page.getByRole("group", { name: "Recipient type" });
    for (const kind of ["All", "Segment", "Tags", "Manual"]) {
      await expect(kinds.getByRole("radio", { name: kind, exact: true })).not.toBeChecked();
    }
    await expect(audience(page)).toContainText("Choose who this is for");
    const questions = {
      Segment: page.getByRole("combobox", { name: "Choose a segment" }),
      Tags: page.getByRole("group", { name: "Choose tags" }),
      Manual: withJavaScript()
        ? page.getByRole("combobox", { name: "Add customers" })
        : page.getByLabel("Find a customer"),
    };
    for (const [kind, question] of Object.entries(questions)) {
      await page.getByRole("radio", { name: kind, exact: true }).check();
      await expect(question).toBeVisible();
      for (const [other, hidden] of Object.entries(questions)) {
        if (other !== kind) await expect(hidden).toBeHidden();
      }
    }
    await page.getByRole("radio", { name: "All", exact: true }).check();
    await counted(page, /this will go to [\d,]+ customers/i);
    await expect(audience(page)).toContainText("No email address");
  });

  test("what is missing is listed, each with the field it is about, and nothing typed is lost", async ({ page }) => {
    await page.goto("/marketing/campaigns/new");
    await write(page, { body: "Only a body, with <b>angles</b> & ampersands." });
    await page.getByRole("button", { name: "Send now" }).click();
    const summary = page.getByRole("alert");
    await expect(summary).toContainText("Enter a name");
    await expect(summary).toContainText("Enter a subject");
    await expect(summary).toContainText("Choose who this is for");
    await expect(page).toHaveTitle(/^Error: /);
    await expect(page.getByLabel("Body", { exact: true })).toHaveValue("Only a body, with <b>angles</b> & ampersands.");
    await summary.getByRole("link", { name: "Enter a subject" }).click();
    await expect(page.getByLabel("Subject", { exact: true })).toBeFocused();
  });

  test("a draft may be incomplete, is kept, and can be found and deleted", async ({ page }) => {
    const name = unique("Half a thought");
    await page.goto("/marketing/campaigns/new");
    await write(page, { name });
    await page.getByRole("button", { name: "Save as draft" }).click();
    await expect(page).toHaveURL(/\/marketing\/campaigns\/\d+\/edit/);
    await expect(page.getByLabel("Name", { exact: true })).toHaveValue(name);
    await page.goto("/marketing/campaigns");
    await page.getByLabel("Search campaigns").fill(name);
    await page.getByLabel("Status").selectOption("draft");
    await page.getByRole("button", { name: "Apply" }).click();
    const card = page.getByRole("article", { name });
    await expect(card).toHaveCount(1);
    await card.getByRole("link", { name: "Delete" }).or(card.getByRole("button", { name: "Delete" })).click();
    await expect(page.getByRole("main")).toContainText("This can't be undone.");
    await page.getByRole("button", { name: "Delete campaign" }).click();
    await expect(page.getByRole("main")).toContainText("Campaign deleted.");
    await page.getByLabel("Search campaigns").fill(name);
    await page.getByRole("button", { name: "Apply" }).click();
    await expect(page.getByRole("heading", { name: "No campaigns match." })).toBeVisible();
  });

  test("a template fills in the subject and the body, and both stay editable", async ({ page }) => {
    await page.goto("/marketing/campaigns/new");
    await page.getByLabel("Template", { exact: true }).selectOption({ label: "Private preview invitation" });
    if (!withJavaScript()) await page.getByRole("button", { name: "Use template" }).click();
    const subject = page.getByLabel("Subject", { exact: true });
    await expect(subject).toHaveValue("A quiet hour before the doors open, {{first_name}}");
    await expect(page.getByLabel("Body", { exact: true })).toHaveValue(/private preview/);
    await subject.fill("Our own words");
    await page.getByRole("button", { name: "Save as draft" }).click();
    await expect(page).toHaveURL(/\/edit/);
    await expect(subject).toHaveValue("Our own words");
    await expect(page.getByLabel("Body", { exact: true })).toHaveValue(/private preview/);
  });

  test("nobody to send to is said in the shop's own words, and it stays a draft", async ({ page }) => {
    const name = unique("For nobody");
    await page.goto("/marketing/campaigns/new");
    await write(page, { name, subject: "Nobody", body: "Nobody." });
    const someone = await unreachable(page);
    await pickCustomer(page, someone);
    await counted(page, "No recipients found for this campaign");
    await page.getByRole("button", { name: "Send now" }).click();
    await expect(page.getByRole("alert")).toContainText("No recipients found for this campaign");
    await page.goto("/marketing/campaigns");
    await page.getByLabel("Search campaigns").fill(name);
    await page.getByRole("button", { name: "Apply" }).click();
    await expect(page.getByRole("article", { name })).toContainText("Draft");
  });

  test("a planned campaign shows when, in the store's time", async ({ page }) => {
    const name = unique("On Saturday");
    await page.goto("/marketing/campaigns/new");
    await write(page, { name, subject: "Planned", body: "Later." });
    await pickTags(page, "collectors");
    await page.getByLabel("Schedule for later").check();
    const year = new Date().getFullYear() + 1;
    await page.getByLabel("Date", { exact: true }).fill(`${year}-05-02`);
    await page.getByLabel("Time", { exact: true }).fill("09:00");
    await page.getByRole("button", { name: "Schedule send" }).click();
    await expect(page).toHaveURL(/\/marketing\/campaigns\/\d+(\?|$)/);
    await expect(page.getByRole("main")).toContainText(`2 May ${year}, 9:00 am AEST`);
    await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  });

  test("a campaign that was sent is a record: it is read and copied, not edited", async ({ page }) => {
    const name = unique("Sent for good");
    await page.goto("/marketing/campaigns/new");
    await write(page, { name, subject: "Kept", body: "Dear {{first_name}}." });
    await pickCustomer(page, "Amara Okafor");
    await page.getByRole("button", { name: "Save as draft" }).click();
    await expect(page).toHaveURL(/\/edit/);
    const edit = page.url().split("?")[0] ?? "";
    await sendNow(page);
    await finished(page);

    await page.goto(edit);
    await expect(page.getByRole("heading", { level: 1, name: "Cannot edit a sent or sending campaign" })).toBeVisible();
    const refused = await page.request.post("/api/campaigns/save", {
      headers: { accept: "text/html", "sec-fetch-site": "same-origin" },
      form: { "form[id]": edit.match(/\d+/g)?.at(-1) ?? "", "form[name]": "Changed" },
      maxRedirects: 0,
    });
    expect([409, 302, 303, 422]).toContain(refused.status());

    await page.getByRole("button", { name: "Duplicate" }).click();
    await expect(page).toHaveURL(/\/edit/);
    await expect(page.getByLabel("Subject", { exact: true })).toHaveValue("Kept");
    await expect(page.getByLabel("Body", { exact: true })).toHaveValue("Dear {{first_name}}.");
    await expect(page.getByRole("radio", { name: "Manual", exact: true })).toBeChecked();
    await expect(page.getByRole("main")).toContainText("Amara Okafor");
    await expect(page.getByLabel("Schedule for later")).not.toBeChecked();
  });

  test("tags are a union", async ({ page }) => {
    await page.goto("/marketing/campaigns/new");
    const count = async (...tags: string[]) => {
      await page.goto("/marketing/campaigns/new");
      await pickTags(page, ...tags);
      await counted(page, /this will go to [\d,]+ customers/i);
      const words = await audience(page).getByRole("status").textContent();
      return Number(words?.match(/to ([\d,]+) cust/i)?.[1]?.replace(",", ""));
    };
    const [pearls, watches] = [await count("pearls"), await count("watches")];
    const both = await count("pearls", "watches");
    expect(both).toBeGreaterThan(Math.max(pearls, watches));
    expect(both).toBeLessThanOrEqual(pearls + watches);
  });
});

type Candidate = { name: string; skip: string | null };

/** The name of a customer who would be skipped. */
async function unreachable(page: Page): Promise<string> {
  const answer = await page.request.post("/api/recipients/find", {
    data: { text: "an" },
    headers: { "sec-fetch-site": "same-origin", accept: "application/json" },
  });
  const found: Candidate[] = await answer.json();
  const names = found.map((c) => c.name);
  const one = found.find((c) => c.skip !== null && names.indexOf(c.name) === names.lastIndexOf(c.name));
  expect(one, JSON.stringify(found)).toBeDefined();
  return one?.name ?? "";
}
