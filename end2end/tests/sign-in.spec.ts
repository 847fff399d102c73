import { address, password } from "../support/servers";
import { expect, test } from "../support/test";

test.use({ storageState: { cookies: [], origins: [] } });

test("somebody signed out is asked to sign in, gets where they were going, and can leave", async ({ page }) => {
  await page.goto("/marketing/campaigns?status=sent");
  await expect(page).toHaveURL(/\/login\?next=/);
  await expect(page.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
  await page.getByLabel("Email").fill(address("owner"));
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL(/\/marketing\/campaigns\?status=sent$/);
  await expect(page.getByRole("heading", { level: 1, name: "Campaigns" })).toBeVisible();
  await page.getByText("Account: Priya Raman").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/login/);
  await page.goto("/marketing/campaigns");
  await expect(page).toHaveURL(/\/login/);
});

test("a wrong password says so, keeps the address, and forgets the password", async ({ page }) => {
  await page.goto("/login");
  await page.getByLabel("Email").fill(address("sales"));
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("main")).toContainText("The email or password isn't right.");
  await expect(page).toHaveTitle(/^Error: /);
  await expect(page.getByLabel("Email")).toHaveValue(address("sales"));
  await expect(page.getByLabel("Password", { exact: true })).toHaveValue("");
});
