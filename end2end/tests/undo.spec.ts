import { servers, signedIn } from "../support/servers";
import { expect, finished, pickTags, sendNow, test, unique, write } from "../support/test";

test.use({ baseURL: servers.held.url, storageState: signedIn("manager", "held") });

test("a send can be taken back before it goes out", async ({ page }) => {
  const name = unique("Taken back");
  await page.goto("/marketing/campaigns/new");
  await write(page, { name, subject: "Not yet", body: "Dear {{first_name}}." });
  await pickTags(page, "collectors");
  await sendNow(page);
  const bar = page.getByRole("region", { name: "Sending soon" });
  await expect(bar).toContainText("Sending to");
  await bar.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByRole("main")).toContainText("Sending cancelled. Nothing was sent.");
  await page.goto("/marketing/campaigns");
  await expect(page.getByRole("article", { name })).toContainText("Draft");
});

test("who does not want to wait sends at once", async ({ page }) => {
  const name = unique("At once");
  await page.goto("/marketing/campaigns/new");
  await write(page, { name, subject: "Now", body: "Dear {{first_name}}." });
  await pickTags(page, "bespoke");
  await sendNow(page);
  await page.getByRole("region", { name: "Sending soon" }).getByRole("button", { name: "Send immediately" }).click();
  expect(await finished(page)).toBeGreaterThan(0);
});
