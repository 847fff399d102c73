import { address, password, servers } from "../support/servers";
import { expect, test, withJavaScript } from "../support/test";

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

test("a password can be looked at while it is typed, where scripts run", async ({ page }) => {
  await page.goto("/login");
  const field = page.getByLabel("Password", { exact: true });
  const peek = page.getByRole("button", { name: "Show password" });
  if (!withJavaScript()) {
    await expect(peek).toHaveCount(0);
    return;
  }
  await field.fill("seen or not");
  await expect(peek).toHaveAttribute("aria-pressed", "false");
  await peek.click();
  await expect(peek).toHaveAttribute("aria-pressed", "true");
  await expect(field).toHaveAttribute("type", "text");
  await expect(field).toHaveValue("seen or not");
  await peek.click();
  await expect(field).toHaveAttribute("type", "password");
});

test("whoever was signed out in the middle of it is told, and comes back to where they were", async ({ page, context }) => {
  const cookie = { name: "sid", value: "of-a-session-that-is-over", url: servers.plain.url };
  await context.addCookies([cookie]);
  await page.goto("/marketing/campaigns/new");
  await expect(page.getByRole("main")).toContainText("You were signed out. Sign in to carry on — your draft is safe.");
  await page.getByLabel("Email").fill(address("owner"));
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "New Campaign" })).toBeVisible();
});

test("only paths of this site are gone to after signing in", async ({ page }) => {
  await page.goto("/login?next=//elsewhere.example.com/");
  await page.getByLabel("Email").fill(address("owner"));
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL(`${servers.plain.url}/marketing/campaigns`);
});
