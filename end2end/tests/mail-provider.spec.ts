import { servers, signedIn } from "../support/servers";
import { expect, test, withJavaScript } from "../support/test";

test.use({ baseURL: servers.mailing.url, storageState: signedIn("owner", "mailing") });

test("an owner says whose the mail server is, and is told where its events go", async ({ page }) => {
  await page.goto("/settings");
  const section = page.getByRole("region", { name: "Mail provider" });
  const provider = section.getByLabel("The mail server belongs to");
  const secret = section.getByLabel("Secret of its events");
  const save = section.getByRole("button", { name: "Save mail provider" });
  await provider.selectOption("Mailgun");
  await secret.fill("short");
  await save.click();
  await expect(page.getByRole("main")).toContainText("Use at least 16 letters, digits and signs");
  await expect(provider).toHaveValue("mailgun");
  await expect(secret).toHaveValue("");
  await secret.fill("a-signing-key-of-mailgun");
  await save.click();
  await expect(page.getByRole("main")).toContainText("Mail provider saved.");
  const address = section.getByText(`${servers.mailing.url}/hooks/email/`);
  await expect(address).toBeVisible();
  await expect(section).toContainText("At Mailgun, add this address as a webhook");
  await expect(section.getByRole("button", { name: "Copy" })).toHaveCount(withJavaScript() ? 1 : 0);
  await expect(secret).toHaveValue("");
  // Nobody but Mailgun is believed there; it gives up what is answered with 406.
  const hook = new URL((await address.textContent()) ?? "").pathname;
  const answer = await page.request.post(hook, { data: { "event-data": { event: "delivered" } } });
  expect(answer.status()).toBe(406);
});
