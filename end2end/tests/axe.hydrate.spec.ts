import AxeBuilder from "@axe-core/playwright";
import { signedIn } from "../support/servers";
import { expect, test } from "../support/test";
import { routes, visit } from "./pages";

const looks = [
  { colorScheme: "light", width: 1360 },
  { colorScheme: "dark", width: 1360 },
  { colorScheme: "light", width: 390 },
  { colorScheme: "dark", width: 390 },
] as const;

test.use({ storageState: signedIn("owner") });

for (const name of Object.keys(routes)) {
  test(`axe finds nothing: ${name}`, async ({ page }) => {
    // Four looks at pages of up to a hundred rows.
    test.slow();
    for (const { colorScheme, width } of looks) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height: 900 });
      await visit(page, name);
      await page.waitForLoadState("networkidle");
      // A sandboxed frame runs no scripts, not even those that look at it.
      await page.evaluate(() => document.querySelectorAll("iframe").forEach((frame) => frame.remove()));
      const found = await new AxeBuilder({ page })
        .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
        .analyze();
      const words = found.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(" ")} — ${n.failureSummary}`));
      expect(words, `${colorScheme}, ${width}`).toEqual([]);
    }
  });

  test(`shape: ${name}`, async ({ page }) => {
    await page.setViewportSize({ width: 320, height: 800 });
    await visit(page, name);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(over, "no sideways scrolling at 320 px").toBeLessThanOrEqual(0);
    await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
    const heading = (await page.getByRole("heading", { level: 1 }).textContent())?.trim() ?? "";
    await expect(page).toHaveTitle(`${(await page.title()).startsWith("Error: ") ? "Error: " : ""}${heading} · Loupe`);
    const small = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>("button, input:not([type=hidden]), select, summary, .btn, nav a")]
        .filter((e) => e.checkVisibility() && !e.closest(".vh, .skip"))
        .map((e) => ({ what: e.outerHTML.slice(0, 80), box: e.getBoundingClientRect() }))
        .filter(({ box }) => box.width > 0 && box.width < 24 || box.height > 0 && box.height < 24)
        .map(({ what, box }) => `${Math.round(box.width)}×${Math.round(box.height)} ${what}`),
    );
    expect(small, "nothing to press is smaller than 24 px").toEqual([]);
    const squeezed = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>("main td")]
        .filter((cell) => cell.checkVisibility() && cell.innerText.trim().length > 12)
        .filter((cell) => cell.getBoundingClientRect().width < 80)
        .map((cell) => cell.innerText),
    );
    expect(squeezed, "no sentence in a table has its letters below each other").toEqual([]);
  });
}

test.describe("signed out", () => {
  test.use({ storageState: { cookies: [], origins: [] } });
  test("axe finds nothing: sign in", async ({ page }) => {
    for (const { colorScheme, width } of looks) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      await page.goto("/login");
      // A sandboxed frame runs no scripts, not even those that look at it.
      await page.evaluate(() => document.querySelectorAll("iframe").forEach((frame) => frame.remove()));
      const found = await new AxeBuilder({ page }).analyze();
      expect(found.violations).toEqual([]);
    }
  });
});
