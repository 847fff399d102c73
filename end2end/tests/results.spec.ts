import { signedIn } from "../support/servers";
import { expect, finished, pickTags, sendNow, test, unique, write } from "../support/test";

test.use({ storageState: signedIn("manager") });

test("a plan is read as a real customer gets it, and so is what went out", async ({ page }) => {
  const name = unique("As somebody");
  await page.goto("/marketing/campaigns/new");
  await write(page, { name, subject: "For {{first_name}}", body: "Dear {{first_name}}, come and see." });
  await pickTags(page, "bespoke");
  await page.getByRole("button", { name: "Save as draft" }).click();
  await expect(page).toHaveURL(/\/edit/);
  await page.goto("/marketing/campaigns");
  const card = page.getByRole("article", { name });
  await expect(card).toContainText("For first name");
  await card.getByRole("link", { name }).click();
  const message = page.getByRole("region", { name: "The message" });
  await expect(message).toContainText(/As .+ will get it/);
  const whose = (await message.getByText(/^As .+ will get it$/).textContent()) ?? "";
  const first = whose.replace("As ", "").split(" ")[0];
  await expect(message).toContainText(`For ${first}`);
  await expect(page.frameLocator("iframe.message").getByText(`Dear ${first},`)).toBeVisible();
  await page.getByRole("navigation", { name: "See it as" }).getByRole("link", { name: /^Longest name/ }).click();
  await expect(message).not.toContainText(whose);
  await expect(page.getByRole("region", { name: "Who will get this" })).toContainText(/This will go to [\d,]+ customers? today/);
  await expect(page.getByRole("main")).not.toContainText("{{");

  await page.getByRole("link", { name: "Edit", exact: true }).click();
  await sendNow(page);
  await finished(page);
  const sent = page.getByRole("region", { name: "The message as sent" });
  await expect(sent).toContainText(/As .+ got it/);
  const before = await sent.getByText(/^As .+ got it$/).textContent();
  await sent.getByRole("link", { name: "Next person" }).click();
  await expect(sent.getByText(/^As .+ got it$/)).not.toHaveText(before ?? "");
  await expect(page.getByRole("heading", { level: 2, name: /^Sent to [\d,]+ customers?\. Replies come to / })).toBeVisible();
});

test("long names push nothing sideways on a phone", async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 800 });
  const name = "W".repeat(118);
  await page.goto("/marketing/campaigns/new");
  await write(page, { name, subject: "M".repeat(190), body: "Dear {{first_name}}." });
  await page.getByRole("button", { name: "Save as draft" }).click();
  await expect(page).toHaveURL(/\/edit/);
  for (const path of ["/marketing/campaigns", undefined]) {
    if (path) await page.goto(path);
    else await page.getByRole("link", { name }).first().click();
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wider).toBe(0);
  }
});
