import { signedIn } from "../support/servers";
import { expect, figure, finished, pickTags, sendNow, test, unique, write } from "../support/test";

test.use({ storageState: signedIn("manager") });

test("what went out is corrected, to exactly those who got it", async ({ page }) => {
  const subject = unique("At five");
  await page.goto("/marketing/bulk-email");
  await write(page, { subject, body: "Dear {{first_name}}, we open at five." });
  await pickTags(page, "bespoke");
  await sendNow(page);
  const sent = await finished(page);
  await page.getByRole("link", { name: "Send a correction" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Send a correction" })).toBeVisible();
  await expect(page.getByLabel("Subject", { exact: true })).toHaveValue(`Correction: ${subject}`);
  await write(page, { subject: "", body: "Dear {{first_name}}, we open at six." });
  const send = page.getByRole("button", { name: /^Send to \d/ });
  await send.click();
  await expect(page.getByRole("alert")).toContainText("Enter a subject");
  await expect(page.getByLabel("Body", { exact: true })).toHaveValue("Dear {{first_name}}, we open at six.");
  await write(page, { subject: `Correction: ${subject}` });
  await send.click();
  await expect(page).toHaveURL(/\/marketing\/bulk-email\/sent\/\d+/);
  expect(await finished(page)).toBe(sent);
});

test("a send says what changed since its number was shown", async ({ page }) => {
  await page.goto("/marketing/campaigns/new");
  await write(page, { name: unique("Receipt"), subject: unique("For you"), body: "Dear {{first_name}}, come and see." });
  await pickTags(page, "wedding", "collectors");
  await page.getByRole("button", { name: "Send now" }).click();
  const sure = page.getByRole("button", { name: /^Send to \d/ });
  await expect(sure).toBeVisible();
  const shown = (await sure.textContent())?.match(/[\d,]+/)?.[0] ?? "";
  await sure.click();
  await expect(page).toHaveURL(/\/marketing\/campaigns\/\d+/);
  await finished(page);
  // Nothing changed: one line, no card.
  await expect(page.getByRole("main")).toContainText(`You saw ${shown} and it went to these ${shown}: nobody joined or left.`);
  expect(await figure(page, "Sent")).toBe(Number(shown.replaceAll(",", "")));
});
