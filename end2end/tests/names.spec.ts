import type { Locator, Page } from "@playwright/test";
import { audience, expect, test, withJavaScript } from "../support/test";

/** What the builder is called by, each by exactly one thing on the page. */
function ofTheBuilder(page: Page): Record<string, Locator> {
  const kinds = page.getByRole("group", { name: "Recipient type" });
  return {
    name: page.getByLabel("Name"),
    template: page.getByLabel("Template"),
    subject: page.getByLabel("Subject"),
    body: page.getByLabel("Body"),
    kinds,
    ...Object.fromEntries(
      ["All", "Segment", "Tags", "Manual"].map((name) => [name, kinds.getByRole("radio", { name, exact: true })]),
    ),
    count: audience(page).getByRole("status"),
    later: page.getByLabel("Schedule for later"),
    draft: page.getByRole("button", { name: "Save as draft" }),
    send: page.getByRole("button", { name: "Send now" }),
  };
}

for (const width of [1360, 768, 390]) {
  test(`each name is one thing, ${width} px wide`, async ({ page }) => {
    await page.setViewportSize({ width, height: 900 });
    await page.goto("/marketing/campaigns/new");
    await expect(page.getByRole("heading", { level: 1, name: "New Campaign" })).toBeVisible();
    for (const [what, locator] of Object.entries(ofTheBuilder(page))) await expect(locator, what).toHaveCount(1);
    await expect(page.getByRole("button", { name: "Schedule send" })).toBeHidden();

    await page.getByRole("radio", { name: "Segment", exact: true }).check();
    await expect(page.getByRole("combobox", { name: "Choose a segment" })).toHaveCount(1);
    await page.getByRole("radio", { name: "Tags", exact: true }).check();
    await expect(page.getByRole("group", { name: "Choose tags" }).getByRole("checkbox", { name: "wedding" })).toHaveCount(1);
    await page.getByRole("radio", { name: "Manual", exact: true }).check();
    await expect(
      withJavaScript() ? page.getByRole("combobox", { name: "Add customers" }) : page.getByLabel("Find a customer"),
    ).toHaveCount(1);
    await page.getByLabel("Schedule for later").check();
    for (const name of ["Date", "Time"]) await expect(page.getByLabel(name, { exact: true })).toHaveCount(1);
    await expect(page.getByRole("button", { name: "Schedule send" })).toBeVisible();
  });
}

test("the name is two keys away from the beginning of the page", async ({ page }) => {
  await page.goto("/marketing/campaigns/new");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to main content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("main").getByRole("link", { name: "Campaigns" })).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(page.getByLabel("Name")).toBeFocused();
});
