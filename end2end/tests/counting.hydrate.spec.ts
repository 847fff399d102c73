import type { Page, Route } from "@playwright/test";
import { audience, expect, open, pickTags, test } from "../support/test";

const sentence = (page: Page) => audience(page).getByRole("status");
const tag = (page: Page, name: string) => page.getByRole("group", { name: "Choose tags" }).getByRole("checkbox", { name, exact: true });

/** Holds back every count of customers; answers what lets the nth through. */
async function heldCounts(page: Page): Promise<{ asked: () => number; answer: (n: number) => Promise<void> }> {
  const held: Route[] = [];
  await page.route("**/api/recipients/count", (route) => {
    held.push(route);
  });
  return { asked: () => held.length, answer: async (n) => held[n]?.continue() };
}

test("while the next count is on its way the old number stays, and says so; a late answer is dropped", async ({ page }) => {
  await open(page, "/marketing/campaigns/new");
  await pickTags(page, "pearls");
  await expect(sentence(page)).toContainText(/this will go to/i);
  const one = await sentence(page).textContent();
  const counts = await heldCounts(page);
  await tag(page, "watches").check();
  await expect.poll(counts.asked).toBe(1);
  await expect(sentence(page)).toHaveAttribute("aria-busy", "true");
  await expect(sentence(page)).toHaveText(one ?? "");
  await tag(page, "pearls").uncheck();
  await expect.poll(counts.asked).toBe(2);
  const answered = page.waitForResponse("**/api/recipients/count");
  await counts.answer(1);
  await answered;
  await expect(sentence(page)).not.toHaveAttribute("aria-busy", "true");
  const watches = (await sentence(page).textContent()) ?? "";
  const late = page.waitForResponse("**/api/recipients/count");
  await counts.answer(0);
  await late;
  await page.waitForTimeout(300);
  await expect(sentence(page)).toHaveText(watches);
  // What stands there is what is sent: no other count than the last is in the form.
  const shown = await page.locator('[name="shown_count"]').inputValue();
  expect(watches.replaceAll(",", "")).toContain(` ${shown} customer`);
});

test("what could not be counted is counted by itself once the connection is back", async ({ page, context, complaints }) => {
  await open(page, "/marketing/campaigns/new");
  await context.setOffline(true);
  await page.getByRole("radio", { name: "All", exact: true }).check();
  await expect(sentence(page)).toContainText("Couldn't reach Loupe to count customers.");
  await context.setOffline(false);
  await expect(sentence(page)).toContainText(/this will go to [\d,]+ customers/i);
  // The browser remarks on every question that did not leave it.
  complaints.splice(0, complaints.length, ...complaints.filter((words) => !words.includes("ERR_INTERNET_DISCONNECTED")));
});

test("who is skipped is loaded when somebody looks", async ({ page }) => {
  await open(page, "/marketing/campaigns/new");
  await page.getByRole("radio", { name: "All", exact: true }).check();
  const reason = audience(page).getByRole("group").filter({ hasText: "No email address" }).last();
  await reason.getByText("See who").click();
  await expect(reason.getByRole("listitem").first().getByRole("link")).toBeVisible();
});

test("a search that finds nobody says so where everybody sees it", async ({ page }) => {
  await open(page, "/marketing/campaigns/new");
  await page.getByRole("radio", { name: "Manual", exact: true }).check();
  const box = page.getByRole("combobox", { name: "Add customers" });
  await box.fill("zzqq");
  await expect(page.getByText("No customers match 'zzqq'")).toBeVisible();
  await expect(page.getByRole("link", { name: "Add a customer" })).toBeVisible();
  await box.fill("Amara");
  await expect(page.getByRole("option", { name: /Amara Okafor/ })).toBeVisible();
  await expect(page.getByRole("link", { name: "Add a customer" })).toHaveCount(0);
});

test("customers are picked, and put away, by keyboard alone", async ({ page }) => {
  await open(page, "/marketing/campaigns/new");
  await page.getByRole("radio", { name: "Manual", exact: true }).check();
  const box = page.getByRole("combobox", { name: "Add customers" });
  for (const name of ["Amara Okafor"]) {
    await box.fill(name.slice(0, 5));
    await expect(page.getByRole("option", { name: new RegExp(name) })).toBeVisible();
    await box.press("ArrowDown");
    await box.press("Enter");
    await expect(page.getByRole("button", { name: `Remove ${name}` })).toBeVisible();
  }
  await expect(box).toBeFocused();
  await expect(box).toHaveValue("");
  await expect(sentence(page)).toContainText("This will go to 1 customer");
  await page.getByRole("button", { name: "Remove Amara Okafor" }).press("Enter");
  await expect(box).toBeFocused();
  await expect(sentence(page)).toContainText("Choose at least one customer");
});

test("what is missing is still to do until somebody tried to send it", async ({ page }) => {
  await open(page, "/marketing/campaigns/new");
  const checks = page.getByRole("region", { name: "Checks" });
  await expect(checks).toContainText("To do Enter a name");
  await expect(checks).not.toContainText("Fix");
  await page.getByRole("button", { name: "Send now" }).click();
  await expect(page.getByRole("alert")).toContainText("Enter a name");
  await expect(checks).toContainText("Fix Enter a name");
});
