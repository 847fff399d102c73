import { expect, test, unique } from "../support/test";

test("a customer is found, and the Communications tab shows what they got", async ({ page }) => {
  await page.goto("/customers");
  await page.getByLabel("Search customers").fill("Amara Okafor");
  await page.getByRole("button", { name: "Apply" }).click();
  await page.getByRole("link", { name: "Amara Okafor" }).first().click();
  await expect(page.getByRole("heading", { level: 1, name: "Amara Okafor" })).toBeVisible();
  const tabs = page.getByRole("navigation", { name: "Customer", exact: true });
  await tabs.getByRole("link", { name: "Communications" }).click();
  const row = page.getByRole("row", { name: /Collectors’ first look/ });
  await expect(row).toContainText("Eleven opals, and you first");
  await expect(row).toContainText("Sent");
});

test("a customer is added and mended", async ({ page }) => {
  const name = unique("Zoë Ångström");
  const email = `zoe.${Date.now().toString(36)}.${test.info().project.name}@example.com`;
  await page.goto("/customers/new");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Email", { exact: true }).fill(email);
  await page.getByLabel("Phone", { exact: true }).fill("02 5550 0199");
  await page.getByRole("button", { name: "Add customer" }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await expect(page.getByRole("main")).toContainText(email);
  await page.getByRole("link", { name: "Edit", exact: true }).first().click();
  await page.getByLabel("Email", { exact: true }).fill("not an address");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  // It is kept as it was typed, and no message goes to it.
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await expect(page.getByRole("main")).toContainText("not an address");
});
