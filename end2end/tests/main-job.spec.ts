import { expect, figure, finished, pickTags, sendNow, test, unique, write, audience, counted } from "../support/test";

test("a file is imported, a campaign goes to two tags, and every place tells the same numbers", async ({ page }) => {
  test.setTimeout(120_000);
  const mark = `${test.info().project.name}${Date.now().toString(36)}`;
  const [first, second] = [`autumn-${mark}`, `bridal-${mark}`];
  const rows = [
    "Name,Email,Phone,Tags,Accepts Email Marketing",
    `Ada ${mark},ada.${mark}@example.com,02 5550 0101,"${first}",yes`,
    `Bo ${mark},bo.${mark}@example.com,,"${first}, ${second}",yes`,
    `Cy ${mark},cy.${mark}@example.com,,"${second}",yes`,
    `Di ${mark},di.${mark}@example.com,,"${second}",no`,
    `Ed ${mark},,02 5550 0102,"${first}",yes`,
    `Flo ${mark},bo.${mark}@example.com,,"${first}",yes`,
    `,not-an-address,,"${first}",yes`,
  ];

  await page.goto("/customers/import");
  await page.getByLabel("CSV file").setInputFiles({
    name: `book-${mark}.csv`,
    mimeType: "text/csv",
    buffer: Buffer.from(rows.join("\n")),
  });
  await page.getByRole("button", { name: "Look at the file" }).click();
  await expect(page.getByRole("region", { name: "Columns table" })).toContainText(`Ada ${mark}`);
  await page.getByRole("button", { name: "Check the file" }).click();
  await page.getByRole("button", { name: "Import", exact: true }).click();
  await expect(page).toHaveURL(/\/customers\/imports\/\d+/);
  await expect(async () => {
    await page.reload();
    await expect(page.getByText("Import finished.")).toBeVisible({ timeout: 1_000 });
  }).toPass();
  const added = page.locator("dl.facts dt", { hasText: /^Added$/ }).locator("xpath=following-sibling::dd[1]");
  await expect(added).toHaveText("6");
  await expect(page.getByRole("region", { name: "Rows to mend table" })).toContainText("not-an-address");

  const name = unique("Two tags");
  await page.goto("/marketing/campaigns");
  await page.getByRole("link", { name: "New Campaign" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "New Campaign" })).toBeVisible();
  await write(page, { name, subject: "For {{first_name}}", body: "Dear {{first_name}},\n\nCome and see.\n\n{{staff_signature}}" });
  await pickTags(page, first, second);
  await counted(page, /this will go to 3 customers/i);
  await expect(audience(page)).toContainText("3 will be skipped");
  await sendNow(page);
  expect(await finished(page)).toBe(3);
  expect(await figure(page, "Skipped")).toBe(3);
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();

  const campaign = page.url().split("?")[0];
  await page.goto(`${campaign}?show=skipped`);
  const people = page.getByRole("region", { name: "Recipients table" });
  await expect(people.getByRole("row", { name: new RegExp(`Di ${mark}`) })).toContainText("Unsubscribed");
  await expect(people.getByRole("row", { name: new RegExp(`Ed ${mark}`) })).toContainText("No email address");
  await expect(people.getByRole("row", { name: new RegExp(`Flo ${mark}`) })).toContainText("Same address as another customer");

  await page.goto(`${campaign}?show=sent`);
  await page.getByRole("link", { name: `Ada ${mark}` }).click();
  await expect(page).toHaveURL(/\/customers\/\d+\/communications/);
  const row = page.getByRole("row", { name: new RegExp(name) });
  await expect(row).toContainText("For Ada");
  await expect(row).toContainText("Sent");

  await page.goto("/outbox");
  await page.getByRole("link", { name: "For Ada" }).first().click();
  await expect(page.getByRole("main")).toContainText(`ada.${mark}@example.com`);
  await expect(page.getByRole("main")).toContainText("Message-ID:");
});
