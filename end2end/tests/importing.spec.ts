import { expect, test } from "../support/test";
import { chooseFile } from "./pages";

test("what a file leaves open is asked before anything is imported", async ({ page }) => {
  const mark = `${test.info().project.name}${Date.now().toString(36)}`;
  await chooseFile(page, `open-${mark}.csv`, [
    "name,email,GDPR,birthday",
    `Ann ${mark},ann.${mark}@example.com,no,3/4/1980`,
    `Bea ${mark},bea.${mark}@example.com,yes,5/6/1981`,
  ]);
  const gdpr = page.getByRole("combobox", { name: "GDPR" });
  await expect(gdpr).toHaveAccessibleDescription(/may say who wants no email/);
  await page.getByRole("button", { name: "Import", exact: true }).click();
  const summary = page.getByRole("alert");
  await expect(summary).toContainText("Say what the column GDPR is");
  await summary.getByRole("link", { name: /day or the month comes first/ }).click();
  await expect(page.getByLabel("Days such as 3/4/1980")).toBeFocused();
  await page.getByLabel("Days such as 3/4/1980").selectOption("The day comes first: 3 April");
  await summary.getByRole("link", { name: /column GDPR/ }).click();
  await expect(gdpr).toBeFocused();
  await gdpr.selectOption("Agreed to marketing email (yes/no)");
  await page.getByRole("button", { name: "Import", exact: true }).click();
  await expect(page).toHaveURL(/\/customers\/imports\/\d+/);
  await expect(async () => {
    await page.reload();
    await expect(page.getByText("Import finished.")).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await page.goto(`/customers?q=${encodeURIComponent(`Ann ${mark}`)}`);
  await page.getByRole("link", { name: `Ann ${mark}` }).first().click();
  await expect(page.getByRole("main")).toContainText("3 April 1980");
  await expect(page.getByRole("region", { name: "Consent" })).toContainText("Unsubscribed");
});
