import { expect, finished, pickCustomer, sendNow, test, unique, write } from "../support/test";

const attack = '</textarea><script>window.hurt = true</script><img src=x onerror="window.hurt = true">';

test("a message that tries to break out stays text, wherever it is shown", async ({ page }) => {
  const name = unique(`</title><script>window.hurt = true</script>`);
  await page.goto("/marketing/campaigns/new");
  await write(page, { name, subject: attack, body: attack });
  await pickCustomer(page, "Amara Okafor");
  await page.getByRole("button", { name: "Save as draft" }).click();
  await expect(page).toHaveURL(/\/edit/);
  const whole = async (where: string) => {
    const hurt = await page.evaluate(() => "hurt" in window).catch(() => false);
    expect(hurt, where).toBe(false);
    expect(await page.locator("main img[src=x]").count(), where).toBe(0);
    // Our own scripts carry the page's nonce.
    const foreign = await page
      .locator("main script")
      .evaluateAll((all) => all.filter((s) => !(s as HTMLScriptElement).nonce || s.textContent?.includes("hurt")).length);
    expect(foreign, where).toBe(0);
  };
  await expect(page.getByLabel("Body", { exact: true })).toHaveValue(attack);
  await expect(page.getByLabel("Subject", { exact: true })).toHaveValue(attack);
  await whole("builder");
  await page.goto("/marketing/campaigns");
  await expect(page.getByRole("main")).toContainText("</title><script>");
  await whole("list");
  await page.getByRole("article", { name }).getByRole("link", { name }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await whole("detail");
  await page.getByRole("link", { name: "Edit", exact: true }).click();
  await sendNow(page);
  await finished(page);
  await whole("results");
  await page.getByRole("link", { name: "Amara Okafor" }).first().click();
  await expect(page.getByRole("main")).toContainText("</textarea><script>");
  await whole("communications");
});
