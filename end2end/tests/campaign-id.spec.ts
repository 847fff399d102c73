import { signedIn } from "../support/servers";
import { expect, test, unique, write } from "../support/test";

test.use({ storageState: signedIn("manager") });

test("a campaign's ID is told, and copied where scripts run", async ({ page, context, javaScriptEnabled }) => {
  const name = unique("Numbered");
  await page.goto("/marketing/campaigns/new");
  await write(page, { name });
  await page.getByRole("button", { name: "Save as draft" }).click();
  await expect(page).toHaveURL(/\/edit/);
  await page.goto("/marketing/campaigns");
  await page.getByRole("link", { name }).click();
  const id = page.url().match(/\/campaigns\/(\d+)/)?.[1] ?? "none";
  await expect(page.getByText(`Campaign ID ${id}`)).toBeVisible();
  const copy = page.getByRole("button", { name: "Copy" });
  if (javaScriptEnabled === false) {
    await expect(copy).toHaveCount(0);
    return;
  }
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await copy.click();
  await expect(page.getByRole("button", { name: "Copied" })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(id);
});
