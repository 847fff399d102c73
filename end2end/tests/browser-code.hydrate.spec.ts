import { expect, test, unique, withoutCodeYet } from "../support/test";

test("pages without islands fetch no code at all", async ({ page }) => {
  const code: string[] = [];
  page.on("request", (request) => {
    if (/\.(js|mjs|wasm)(\?|$)/.test(request.url()) || request.resourceType() === "script") code.push(request.url());
  });
  for (const path of ["/login", "/marketing/campaigns", "/marketing/campaigns/1", "/customers", "/customers/1", "/customers/1/communications", "/outbox", "/nothing-here"]) {
    await page.goto(path);
    await page.waitForLoadState("networkidle");
    expect(code, path).toEqual([]);
  }
});

test("the builder's code comes packed, named by its content, and once", async ({ page }) => {
  const sizes = new Map<string, number>();
  page.on("response", async (response) => {
    if (/\/pkg\//.test(response.url())) {
      sizes.set(response.url(), Number(response.headers()["content-length"] ?? 0));
      expect(response.headers()["content-encoding"]).toBe("br");
      expect(response.headers()["cache-control"]).toContain("immutable");
    }
  });
  await page.goto("/marketing/campaigns/new");
  await page.waitForLoadState("networkidle");
  const total = (kind: string) => [...sizes].filter(([url]) => url.endsWith(kind)).reduce((sum, [, size]) => sum + size, 0);
  expect(total(".wasm")).toBeGreaterThan(10_000);
  expect(total(".wasm")).toBeLessThanOrEqual(311_000);
  expect(total(".js")).toBeLessThanOrEqual(9_000);
  expect([...sizes.keys()].every((url) => /loupe\.[0-9a-f]{16}\.(js|wasm)$/.test(url))).toBe(true);
});

test("what is typed before the code arrives is kept", async ({ page }) => {
  const release = await withoutCodeYet(page);
  const name = unique("Typed early");
  await page.goto("/marketing/campaigns/new", { waitUntil: "commit" });
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Subject", { exact: true }).fill("Early subject");
  await page.getByLabel("Body", { exact: true }).fill("Early body");
  await page.getByRole("radio", { name: "Tags", exact: true }).check();
  await page.getByRole("group", { name: "Choose tags" }).getByRole("checkbox", { name: "pearls", exact: true }).check();
  release();
  // The count that follows by itself shows that the code is there.
  await expect(page.getByRole("region", { name: "Who will get this" }).getByRole("status")).toContainText(/this will go to/i);
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue(name);
  await expect(page.getByLabel("Subject", { exact: true })).toHaveValue("Early subject");
  await expect(page.getByLabel("Body", { exact: true })).toHaveValue("Early body");
  await expect(page.getByRole("radio", { name: "Tags", exact: true })).toBeChecked();
  await expect(page.getByRole("checkbox", { name: "pearls", exact: true })).toBeChecked();
});
