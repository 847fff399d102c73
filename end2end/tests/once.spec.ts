import { expect, finished, pickCustomer, pickTags, sendNow, test, unique, withJavaScript, write } from "../support/test";

test("pressing Send now twice sends once", async ({ page }) => {
  const name = unique("Pressed twice");
  await page.goto("/marketing/campaigns/new");
  await write(page, { name, subject: "Once", body: "Dear {{first_name}}, once." });
  await pickCustomer(page, "Amara Okafor");
  const send = page.getByRole("button", { name: "Send now" });
  if (withJavaScript()) {
    await send.dblclick();
  } else {
    // A browser without scripts sends the form a second time when asked to load it again.
    await send.evaluate(() => {}).catch(() => {});
    await send.click({ clickCount: 2, delay: 0 });
  }
  const sure = page.getByRole("button", { name: /^Send to \d/ });
  if (await sure.isVisible()) await sure.dblclick();
  await finished(page);
  await expect(page.getByRole("heading", { level: 2, name: "Sent to 1 customer" })).toBeVisible();
  await page.getByRole("link", { name: "Amara Okafor" }).first().click();
  await expect(page.getByRole("row", { name: new RegExp(name) })).toHaveCount(1);
});

test("two tabs that send the same campaign send it once, and the second is told", async ({ page, context }) => {
  const name = unique("Two tabs");
  await page.goto("/marketing/campaigns/new");
  await write(page, { name, subject: "Two tabs", body: "Dear {{first_name}}, once." });
  await pickTags(page, "bespoke");
  await page.getByRole("button", { name: "Save as draft" }).click();
  await expect(page).toHaveURL(/\/edit/);
  const other = await context.newPage();
  await other.goto(page.url());
  await sendNow(page);
  await finished(page);
  const sentTo = await page.getByRole("heading", { level: 2, name: /^Sent to/ }).textContent();
  await other.getByRole("button", { name: "Send now" }).click();
  const sure = other.getByRole("button", { name: /^Send to \d/ });
  const guard = other.getByRole("heading", { level: 1, name: "Cannot edit a sent or sending campaign" });
  await expect(sure.or(guard).first()).toBeVisible();
  if (await sure.isVisible()) await sure.click();
  await expect(guard).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { level: 2, name: /^Sent to/ })).toHaveText(sentTo ?? "");
});
