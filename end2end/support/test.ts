import { type Locator, type Page, test as base, expect } from "@playwright/test";
import { signedIn } from "./servers";

/** Milliseconds by which the islands' code comes late: shows which tests only pass on a fast machine. */
const slowness = Number(process.env.SLOW_CODE ?? 0);

/** What the buttons of a form for writing call. */
const formFunction = /\/api\/(campaigns|bulk-email)\/(save|send|schedule)$/;

/**
 * A test fails when the browser complains: an exception, a console error, a broken policy, or an
 * answer that says the server failed. What a page's own status makes the console say is no
 * complaint, nor is what it says of a form that was refused, which the page shows.
 */
export const test = base.extend<{ complaints: string[] }>({
  storageState: signedIn("manager"),
  complaints: [
    async ({ context }, use) => {
      if (slowness) {
        await context.route("**/*.wasm", async (route) => {
          await new Promise((later) => setTimeout(later, slowness));
          await route.continue();
        });
      }
      const complaints: string[] = [];
      const documents = new Set<string>();
      context.on("request", (request) => {
        if (request.isNavigationRequest()) documents.add(request.url());
      });
      context.on("response", (response) => {
        if (response.status() >= 500) complaints.push(`${response.status()} ${response.url()}`);
      });
      context.on("weberror", (webError) => {
        const error = webError.error();
        // The browser gives up the fade from page to page when one of them is late: no code of ours.
        if (error.message.startsWith("Transition was ")) return;
        complaints.push(`exception: ${error.stack || error}`);
      });
      context.on("console", (message) => {
        if (message.type() !== "error") return;
        const refused = /^Failed to load resource: .* status of (409|422) /.test(message.text());
        if (refused && formFunction.test(message.location().url)) return;
        if (documents.has(message.location().url) && message.text().startsWith("Failed to load resource")) return;
        complaints.push(`console: ${message.text()} (${message.location().url})`);
      });
      await use(complaints);
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

let counter = 0;

/** A name nothing else has. */
export function unique(words: string): string {
  counter += 1;
  return `${words} ${test.info().project.name}-${test.info().workerIndex}-${Date.now().toString(36)}-${counter}`;
}

/** The part of the page that says who gets it. */
export function audience(page: Page): Locator {
  return page.getByRole("region", { name: "Who will get this" });
}

/** Brings the count up to date: by itself with JavaScript, with the button without. */
export async function counted(page: Page, words: string | RegExp): Promise<void> {
  const button = page.getByRole("button", { name: "Update count" });
  if (!withJavaScript() && (await button.isVisible())) await button.click();
  // The number of the last choice stays until the next one is there.
  await expect(audience(page).getByRole("status")).not.toHaveAttribute("aria-busy", "true");
  await expect(audience(page).getByRole("status")).toContainText(words);
}

export function withJavaScript(): boolean {
  return test.info().project.name === "js";
}

/** Waits until the islands of a page for writing are at work, where scripts run. */
export async function awake(page: Page): Promise<void> {
  if (withJavaScript()) await expect(page.locator("html[data-hydrated]")).toHaveCount(1);
}

/** Opens a page for writing, ready for what only its islands do. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await awake(page);
}

/** Holds the islands' code back; answers what lets it arrive. */
export async function withoutCodeYet(page: Page): Promise<() => void> {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route("**/*.wasm", async (route) => {
    await held;
    await route.continue();
  });
  return release;
}

export type Message = {
  name?: string;
  subject?: string;
  body?: string;
};

/** Fills in what a message is. */
export async function write(page: Page, message: Message): Promise<void> {
  if (message.name !== undefined) await page.getByLabel("Name", { exact: true }).fill(message.name);
  if (message.subject !== undefined) await page.getByLabel("Subject", { exact: true }).fill(message.subject);
  if (message.body !== undefined) await page.getByLabel("Body", { exact: true }).fill(message.body);
}

/** Picks the customers with any of these tags. */
export async function pickTags(page: Page, ...tags: string[]): Promise<void> {
  await page.getByRole("radio", { name: "Tags", exact: true }).check();
  const group = page.getByRole("group", { name: "Choose tags" });
  for (const tag of tags) await group.getByRole("checkbox", { name: tag, exact: true }).check();
}

/** Adds one customer by name, however the page does it. */
export async function pickCustomer(page: Page, name: string): Promise<void> {
  await page.getByRole("radio", { name: "Manual", exact: true }).check();
  if (withJavaScript()) {
    const box = page.getByRole("combobox", { name: "Add customers" });
    await box.fill(name.slice(0, 6));
    await page.getByRole("option", { name: new RegExp(name) }).first().click();
    await expect(page.getByRole("button", { name: `Remove ${name}` })).toBeVisible();
  } else {
    await page.getByLabel("Find a customer").fill(name);
    await page.getByRole("button", { name: "Search", exact: true }).click();
    await page.getByRole("checkbox", { name: new RegExp(name) }).first().check();
  }
}

/** Presses Send now, through the question that some sends ask first, until the server has answered. */
export async function sendNow(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Send now" }).click();
  const sure = page.getByRole("button", { name: /^Send to \d/ });
  await expect(sure.or(started(page)).first()).toBeVisible();
  if (await sure.isVisible()) await sure.click();
  await expect(started(page).first()).toBeVisible();
}

/** Whatever shows that a send exists: the time to take it back, its progress, or its results. */
export function started(page: Page): Locator {
  return page
    .getByRole("region", { name: "Sending soon" })
    .or(page.getByRole("heading", { level: 2, name: /^(Sending|Sent to)/ }))
    .or(page.getByText("The provider accepted it"));
}

/** Waits until the send on this page has ended, and answers how many were sent. */
export async function finished(page: Page): Promise<number> {
  await expect(async () => {
    await page.reload();
    await expect(page.getByText("The provider accepted it")).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 30_000 });
  return figure(page, "Sent");
}

/** A number of the results. */
export async function figure(page: Page, term: string): Promise<number> {
  const text = await page.locator("dl.stats div", { has: page.locator(`dt:text-is("${term}")`) }).locator("dd").first().textContent();
  return Number(text?.replaceAll(",", "").trim());
}
