import { expect, finished, pickCustomer, pickTags, sendNow, started, test, unique, write } from "../support/test";

test("pressing Send now twice sends once", async ({ page }) => {
  const name = unique("Pressed twice");
  await page.goto("/marketing/campaigns/new");
  await write(page, { name, subject: name, body: "Dear {{first_name}}, once." });
  await pickCustomer(page, "Amara Okafor");
  const send = page.getByRole("button", { name: "Send now" });
  await send.dblclick();
  await expect(started(page).first()).toBeVisible();
  expect(await finished(page)).toBe(1);
  await page.getByRole("link", { name: "Amara Okafor" }).first().click();
  await expect(page.getByRole("row", { name: new RegExp(name) })).toHaveCount(1);
});

test("two tabs that send the same campaign send it once, and the second is told", async ({ page, context }) => {
  const name = unique("Two tabs");
  await page.goto("/marketing/campaigns/new");
  await write(page, { name, subject: name, body: "Dear {{first_name}}, once." });
  await pickTags(page, "bespoke");
  await page.getByRole("button", { name: "Save as draft" }).click();
  await expect(page).toHaveURL(/\/edit/);
  const other = await context.newPage();
  await other.goto(page.url());
  await sendNow(page);
  const sent = await finished(page);
  await other.getByRole("button", { name: "Send now" }).click();
  const sure = other.getByRole("button", { name: /^Send to \d/ });
  const guard = other.getByRole("heading", { level: 1, name: "Cannot edit a sent or sending campaign" });
  await expect(sure.or(guard).first()).toBeVisible();
  if (await sure.isVisible()) await sure.click();
  await expect(guard).toBeVisible();
  expect(await finished(page)).toBe(sent);
});
