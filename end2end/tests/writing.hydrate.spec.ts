import type { Page } from "@playwright/test";
import { address, password, servers } from "../support/servers";
import { awake, expect, open, pickCustomer, test, unique, withoutCodeYet, write } from "../support/test";

const body = (page: Page) => page.getByLabel("Body", { exact: true });
const toolbar = (page: Page) => page.getByRole("toolbar", { name: "Formatting" });
const select = (page: Page, from: number, to: number) =>
  body(page).evaluate((area, [from, to]) => (area as HTMLTextAreaElement).setSelectionRange(from ?? 0, to ?? 0), [from, to]);

test("the toolbar marks the text, and the browser's own undo takes it back", async ({ page }) => {
  await open(page, "/marketing/campaigns/new");
  await body(page).fill("A quiet hour");
  await select(page, 2, 7);
  await toolbar(page).getByRole("button", { name: "Bold" }).click();
  await expect(body(page)).toHaveValue("A **quiet** hour");
  await expect(body(page)).toBeFocused();
  await page.keyboard.press("Control+i");
  await expect(body(page)).toHaveValue("A ***quiet*** hour");
  await page.keyboard.press("Control+z");
  await expect(body(page)).toHaveValue("A **quiet** hour");
  await page.keyboard.press("Control+z");
  await expect(body(page)).toHaveValue("A quiet hour");
  await select(page, 0, 0);
  await toolbar(page).getByRole("button", { name: "Heading" }).click();
  await expect(body(page)).toHaveValue("# A quiet hour");
});

test("the toolbar is one stop for the keyboard, and its menu knows the fields", async ({ page }) => {
  await open(page, "/marketing/campaigns/new");
  await body(page).fill("Dear ");
  await toolbar(page).getByRole("button", { name: "Bold" }).focus();
  await page.keyboard.press("ArrowRight");
  await expect(toolbar(page).getByRole("button", { name: "Italic" })).toBeFocused();
  await page.keyboard.press("End");
  const insert = toolbar(page).getByRole("button", { name: "Insert" });
  await expect(insert).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(body(page)).toBeFocused();
  await page.keyboard.press("Shift+Tab");
  await expect(insert).toBeFocused();
  await page.keyboard.press("Enter");
  const menu = page.getByRole("menu", { name: "Insert" });
  await expect(menu.getByRole("menuitem")).toHaveText(["First name", "Last name", "Store name", "Next anniversary", "Staff signature"]);
  await expect(menu.getByRole("menuitem", { name: "First name" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(menu).toBeHidden();
  await expect(insert).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(body(page)).toHaveValue("Dear {{last_name}}");
  await expect(body(page)).toBeFocused();
  await expect(page.getByRole("textbox", { name: "Fallback for last" })).toBeVisible();
});

test("Ctrl+S saves the draft where it is, and the address is the draft's", async ({ page }) => {
  await open(page, "/marketing/campaigns/new");
  await write(page, { name: unique("By keyboard"), subject: "Kept" });
  await page.keyboard.press("Control+s");
  await expect(page.locator("#autosave")).toContainText(/Saved as draft at \d+:\d\d [ap]m\./);
  await expect(page).toHaveURL(/\/marketing\/campaigns\/\d+\/edit$/);
});

test("a planned time is said back in the store's time, and in that of whoever looks", async ({ page }) => {
  await open(page, "/marketing/campaigns/new");
  await page.getByLabel("Schedule for later").check();
  const year = new Date().getFullYear() + 1;
  await page.getByLabel("Date", { exact: true }).fill(`${year}-05-02`);
  await page.getByLabel("Time", { exact: true }).fill("09:30");
  await expect(page.getByRole("main")).toContainText(`2 May ${year}, 9:30 am in Sydney`);
  // The browser of these tests is in Lisbon.
  await expect(page.getByRole("main")).toContainText(/\(your time: [A-Z][a-z]{2} 12:30 am\)/);
});

test("a template chosen before the code arrives is filled in when it does", async ({ page }) => {
  const release = await withoutCodeYet(page);
  await page.goto("/marketing/campaigns/new", { waitUntil: "commit" });
  await page.getByLabel("Template", { exact: true }).selectOption({ label: "Private preview invitation" });
  release();
  await expect(page.getByLabel("Subject", { exact: true })).toHaveValue("A quiet hour before the doors open, {{first_name}}");
  await expect(body(page)).toHaveValue(/private preview/);
});

test("what was typed is offered again after leaving, customers and all", async ({ page }) => {
  await open(page, "/marketing/campaigns/new");
  await write(page, { subject: "Not saved", body: "Half a thought" });
  await pickCustomer(page, "Amara Okafor");
  page.on("dialog", (dialog) => dialog.accept());
  await page.goto("/marketing/campaigns");
  await open(page, "/marketing/campaigns/new");
  await expect(page.getByText(/We kept what you typed at \d+:\d\d [ap]m on this device\./)).toBeVisible();
  await page.getByRole("button", { name: "Restore" }).click();
  await expect(page.getByLabel("Subject", { exact: true })).toHaveValue("Not saved");
  await expect(body(page)).toHaveValue("Half a thought");
  await expect(page.getByRole("button", { name: "Remove Amara Okafor" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Who will get this" })).toContainText("This will go to 1 customer");
});

test("offline, nothing is sent and nothing is lost", async ({ page, context }) => {
  await open(page, "/marketing/campaigns/new");
  await write(page, { name: unique("On the train"), subject: "Kept", body: "Kept" });
  await context.setOffline(true);
  const note = page.locator("#autosave");
  await expect(note).toContainText("You're offline. What you type is kept on this device.");
  await page.getByRole("button", { name: "Send now" }).click();
  await expect(page.getByLabel("Subject", { exact: true })).toHaveValue("Kept");
  await context.setOffline(false);
  await expect(note).toContainText("Back online.");
  await page.getByRole("button", { name: "Save as draft" }).click();
  await expect(note).toContainText("Saved as draft");
});

test("signed out in the middle of it: it says so, and what was typed waits", async ({ page, context, complaints }) => {
  await open(page, "/marketing/campaigns/new");
  await write(page, { name: unique("Signed out"), subject: "Kept", body: "Kept through it" });
  await page.getByRole("radio", { name: "All", exact: true }).check();
  const cookies = await context.cookies();
  await context.addCookies([{ name: "sid", value: "of-a-session-that-is-over", url: servers.plain.url }]);
  await page.getByRole("button", { name: "Send now" }).click();
  await expect(page.locator("#autosave")).toContainText("You were signed out.");
  // The browser remarks on every answer of 401.
  await page.goto("about:blank");
  complaints.splice(0, complaints.length, ...complaints.filter((words) => !words.includes("401 (Unauthorized)")));
  await context.addCookies(cookies);
  await open(page, "/marketing/campaigns/new");
  await page.getByRole("button", { name: "Restore" }).click();
  await expect(body(page)).toHaveValue("Kept through it");
});

test.describe("on a computer that several people use", () => {
  test.use({ storageState: { cookies: [], origins: [] } });

  test("nothing that was typed stays behind after signing out", async ({ page }) => {
    const signIn = async () => {
      await page.goto("/login?next=/marketing/bulk-email");
      await page.getByLabel("Email").fill(address("manager"));
      await page.getByLabel("Password", { exact: true }).fill(password);
      await page.getByRole("button", { name: "Sign in", exact: true }).click();
      await expect(page.getByRole("heading", { level: 1, name: "Bulk email" })).toBeVisible();
      await awake(page);
    };
    page.on("dialog", (dialog) => dialog.accept());
    await signIn();
    await write(page, { subject: "Nobody else's business" });
    await page.goto("/customers");
    await open(page, "/marketing/bulk-email");
    await expect(page.getByText("We kept what you typed")).toBeVisible();
    await page.goto("/customers");
    await page.getByText(/^Account: /).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByRole("main")).toContainText("You are signed out.");
    await signIn();
    await expect(page.getByText("We kept what you typed")).toHaveCount(0);
  });
});
