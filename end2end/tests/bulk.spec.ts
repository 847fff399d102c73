import { counted, expect, finished, pickTags, sendNow, test, unique, write } from "../support/test";

test("a bulk email goes out at once, leaves a receipt and no campaign", async ({ page }) => {
  const subject = unique("Closed on Monday");
  await page.goto("/marketing/bulk-email");
  await expect(page.getByRole("heading", { level: 1, name: "Bulk email" })).toBeVisible();
  await expect(page.getByLabel("Name", { exact: true })).toHaveCount(0);
  await expect(page.getByLabel("Schedule for later")).toHaveCount(0);
  await write(page, { subject, body: "Dear {{first_name}}, we are closed on Monday." });
  await pickTags(page, "bespoke");
  await counted(page, /this will go to [\d,]+ customers/i);
  await sendNow(page);
  await finished(page);
  await expect(page).toHaveURL(/\/marketing\/bulk-email\/sent\/\d+/);
  await expect(page.getByRole("main")).toContainText("This page is your receipt.");
  await page.goto("/marketing/campaigns");
  await page.getByLabel("Search campaigns").fill(subject);
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(page.getByRole("heading", { name: "No campaigns match." })).toBeVisible();
});

test("a bulk email that can't go yet keeps what was typed", async ({ page }) => {
  await page.goto("/marketing/bulk-email");
  await write(page, { body: "Kept through a refusal." });
  await page.getByRole("button", { name: "Send now" }).click();
  await expect(page.getByRole("alert")).toContainText("Enter a subject");
  await expect(page.getByLabel("Body", { exact: true })).toHaveValue("Kept through a refusal.");
});

test("a bulk email can be seen as customers will read it, before it goes", async ({ page }) => {
  await page.goto("/marketing/bulk-email");
  await write(page, { subject: "Seen first", body: "Dear {{first_name}}, **come** and see." });
  await pickTags(page, "bespoke");
  await page.getByRole("button", { name: /(See|Update) the preview/ }).click();
  await expect(page.getByRole("region", { name: "Preview" }).getByRole("link", { name: /^Typical: / })).toBeVisible();
  const message = page.frameLocator("#preview-frame");
  await expect(message.locator("body")).toContainText(/Dear \S+, come and see\./);
  await expect(message.locator("strong")).toHaveText("come");
  await expect(page.getByLabel("Subject", { exact: true })).toHaveValue("Seen first");
});
