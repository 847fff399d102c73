import type { Page } from "@playwright/test";
import { expect, finished, open, pickTags, started, test, unique, withJavaScript, write } from "../support/test";

/** A message with something to remark on: not everybody has an anniversary, and nothing stands in for it. */
async function writeWithGaps(page: Page, name: string): Promise<void> {
  await open(page, "/marketing/campaigns/new");
  await write(page, { name, subject: `${name} for {{first_name}}`, body: "Dear {{first_name}}, your day is {{next_anniversary}}." });
  await pickTags(page, "bespoke");
}

test("a send worth a look asks first: Cancel goes back to the form, the button sends", async ({ page }) => {
  const name = unique("Asked first");
  await writeWithGaps(page, name);
  const send = page.getByRole("button", { name: "Send now" });
  await send.click();
  const question = page.getByRole("dialog", { name: /^Send to/ });
  await expect(question).toBeVisible();
  // As the first of those who get it reads it.
  await expect(question).toContainText(new RegExp(`${name} for \\S`));
  await expect(question).not.toContainText("{{");
  await expect(question).toContainText("Tags: bespoke");
  await expect(question).toContainText(/customers? (has|have) no anniversary/);
  await expect(question.getByRole("heading", { name: /^Send to \d+ customers now\?$/ })).toBeFocused();
  if (withJavaScript()) {
    await expect(page).toHaveURL(/\/new$/);
    await page.keyboard.press("Escape");
    await expect(question).toBeHidden();
    await expect(send).toBeFocused();
    await send.click();
    await question.getByRole("button", { name: "Cancel" }).click();
    await expect(send).toBeFocused();
  } else {
    await question.getByRole("link", { name: "Cancel" }).click();
    await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  }
  await expect(page.getByLabel("Subject", { exact: true })).toHaveValue(`${name} for {{first_name}}`);
  await send.click();
  const words = (await question.getByRole("button", { name: /^Send to \d/ }).textContent()) ?? "";
  await question.getByRole("button", { name: /^Send to \d/ }).click();
  await expect(started(page).first()).toBeVisible();
  expect(await finished(page)).toBe(Number(words.match(/\d+/)?.[0]));
});

test("a small send with nothing to remark on goes without a question", async ({ page }) => {
  const name = unique("Not asked");
  await open(page, "/marketing/campaigns/new");
  await write(page, { name, subject: name, body: "Dear {{first_name}}, come and see." });
  await pickTags(page, "bespoke");
  await page.getByRole("button", { name: "Send now" }).click();
  await expect(started(page).first()).toBeVisible();
});

test("the same message to the same people asks first", async ({ page }) => {
  const name = unique("Twice the same");
  const go = async () => {
    await open(page, "/marketing/bulk-email");
    await write(page, { subject: name, body: "Dear {{first_name}}, come and see." });
    await pickTags(page, "bespoke");
    await page.getByRole("button", { name: "Send now" }).click();
  };
  await go();
  await expect(started(page).first()).toBeVisible();
  await finished(page);
  await go();
  await expect(page.getByRole("dialog", { name: /^Send to/ })).toContainText("sent this same message");
});

test("what was changed since the question is asked about anew, and only that is sent", async ({ page, context }) => {
  const name = unique("Changed meanwhile");
  await open(page, "/marketing/campaigns/new");
  await write(page, { name, subject: `${name}, as it was`, body: "Dear {{first_name}}, come and see." });
  await pickTags(page, "bespoke");
  await page.getByRole("button", { name: "Save as draft" }).click();
  await expect(page).toHaveURL(/\/edit/);
  const campaign = page.url().split("/edit")[0];
  await page.goto(`${campaign}/review`);
  const question = page.getByRole("dialog", { name: /^Send to/ });
  await expect(question).toContainText(`${name}, as it was`);

  const other = await context.newPage();
  await open(other, `${campaign}/edit`);
  await write(other, { subject: `${name}, as it is now` });
  await other.getByRole("button", { name: "Save as draft" }).click();
  await expect(other.getByText(/Saved as draft at/).first()).toBeVisible();
  await other.close();

  await question.getByRole("button", { name: /^Send to \d/ }).click();
  await expect(question).toContainText("It was changed since you looked. This is what goes out now.");
  await expect(question).toContainText(`${name}, as it is now`);
  await question.getByRole("button", { name: /^Send to \d/ }).click();
  await expect(started(page).first()).toBeVisible();
  await finished(page);
  await expect(page.getByRole("main")).toContainText(`${name}, as it is now`);
});

test("the checks follow what is written", async ({ page }) => {
  await open(page, "/marketing/campaigns/new");
  const checks = page.getByRole("region", { name: "Checks" });
  const look = async () => {
    if (!withJavaScript()) await page.getByRole("button", { name: "Update count" }).click();
  };
  await write(page, { name: unique("Checked"), body: "Dear {{first_name}}, come and see." });
  await look();
  await expect(checks).toContainText("To do Enter a subject");
  await expect(checks).toContainText("To do Choose who this is for");
  await checks.getByRole("link", { name: "Enter a subject" }).click();
  await expect(page.getByLabel("Subject", { exact: true })).toBeFocused();
  await write(page, { subject: "COME AND SEE" });
  await pickTags(page, "bespoke");
  await look();
  await expect(checks).toContainText("Done Name, subject and message are filled in");
  await expect(checks).toContainText("Done There is someone to send to");
  await expect(checks).toContainText("Check The subject is all in capitals");
  await write(page, { subject: "Come and see" });
  await look();
  await expect(checks).not.toContainText("capitals");
});
