import { type Role, signedIn } from "../support/servers";
import { expect, test } from "../support/test";

const others: Role[] = ["sales", "workshop", "accounts"];

for (const role of others) {
  test.describe(role, () => {
    test.use({ storageState: signedIn(role) });

    test("sees campaigns and results, and is offered no way to send", async ({ page }) => {
      await page.goto("/marketing/campaigns");
      const main = page.getByRole("main");
      await expect(page.getByRole("heading", { level: 1, name: "Campaigns" })).toBeVisible();
      await expect(main.getByRole("link", { name: "New Campaign" })).toHaveCount(0);
      await expect(main.getByRole("button", { name: "Duplicate" })).toHaveCount(0);
      await expect(main.getByRole("link", { name: "Delete" })).toHaveCount(0);
      await expect(page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Bulk email" })).toHaveCount(0);
      await page.goto("/marketing/campaigns?q=Pearl+evening");
      await main.getByRole("link", { name: "Pearl evening" }).click();
      await expect(page.getByText("The provider accepted it")).toBeVisible();
      await expect(main.getByRole("button", { name: "Duplicate" })).toHaveCount(0);
      await expect(main.getByRole("link", { name: "Edit", exact: true })).toHaveCount(0);
    });

    test("is refused every page to write and every way to change a campaign", async ({ page }) => {
      for (const path of ["/marketing/campaigns/new", "/marketing/campaigns/6/edit", "/marketing/bulk-email", "/outbox", "/settings", "/audit-log", "/customers/import"]) {
        const answer = await page.goto(path);
        expect(answer?.status(), path).toBe(403);
        await expect(page.getByRole("main")).toContainText("You can't");
      }
      for (const path of ["campaigns/save", "campaigns/send", "campaigns/schedule", "campaigns/duplicate", "campaigns/delete", "bulk-email/save", "bulk-email/send", "sends/undo", "sends/go"]) {
        const answer = await page.request.post(`/api/${path}`, {
          form: { id: "6", send_id: "1" },
          headers: { "sec-fetch-site": "same-origin", accept: "text/html" },
          maxRedirects: 0,
        });
        expect(answer.status(), path).toBe(403);
      }
    });
  });
}

test("another site can change nothing", async ({ page }) => {
  const answer = await page.request.post("/api/campaigns/duplicate", {
    form: { id: "1" },
    headers: { origin: "https://elsewhere.example.com", "sec-fetch-site": "cross-site" },
  });
  expect(answer.status()).toBe(403);
});
