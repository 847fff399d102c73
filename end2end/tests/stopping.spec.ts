import type { Browser, Page } from "@playwright/test";
import { type Mail, test } from "../support/mail";
import { servers, signedIn } from "../support/servers";
import { counted, expect, figure, finished, pickTags, sendNow, started, unique, withJavaScript, write } from "../support/test";

test.use({ baseURL: servers.mailing.url, storageState: signedIn("manager", "mailing") });
test.describe.configure({ timeout: 180_000 });

const patience = 60_000;

/** Loads the page again until this holds: for what no script of it watches. */
async function reloading(page: Page, holds: () => Promise<void>): Promise<void> {
  await expect(async () => {
    await page.reload();
    await holds();
  }).toPass({ timeout: patience });
}

/** Waits until the page says how far the send is; answers how many it is for. */
async function standsAt(page: Page, word: "Sending" | "Paused", settled: number): Promise<number> {
  const title = page.getByRole("heading", { level: 2, name: new RegExp(`^${word} — ${settled} of \\d+$`) });
  if (withJavaScript()) await expect(title).toBeVisible({ timeout: patience });
  else await reloading(page, () => expect(title).toBeVisible({ timeout: 1_000 }));
  return Number((await title.textContent())?.split(" of ")[1]);
}

/** Presses Stop sending, and says yes. */
async function stop(page: Page, question: string): Promise<void> {
  await page.getByRole("link", { name: "Stop sending" }).click();
  await expect(page.getByRole("main")).toContainText(question);
  await page.getByRole("button", { name: "Stop sending" }).click();
}

/** Lets what was on the wire arrive; answers how many have it once the page says the same. */
async function settled(page: Page, mail: Mail, subject: string, people: number): Promise<number> {
  await mail.open();
  let reached = 0;
  await reloading(page, async () => {
    reached = (await mail.got(subject)).length;
    await expect(page.getByRole("main")).toContainText(new RegExp(`Sending stopped.* after ${reached} (of ${people} )?customers`), { timeout: 1_000 });
    await expect(page.locator("dl.stats dt", { hasText: "Waiting" })).toHaveCount(0);
    expect(await figure(page, "Sent")).toBe(reached);
  });
  return reached;
}

/** Sends what is in the form to those who are left, through the question that some sends ask first. */
async function sendToRest(page: Page, people: number): Promise<void> {
  await counted(page, new RegExp(`this will go to ${people} customers`, "i"));
  await page.getByRole("button", { name: `Send to the remaining ${people}`, exact: true }).click();
  const sure = page.getByRole("button", { name: /^Send to \d/ });
  await expect(sure.or(started(page)).first()).toBeVisible();
  if (await sure.isVisible()) await sure.click();
  await expect(started(page).first()).toBeVisible();
}

/** Everybody has it, and nobody has it twice. */
async function expectOnce(mail: Mail, subject: string, people: number): Promise<void> {
  const got = await mail.got(subject);
  expect(got.length).toBe(people);
  expect(new Set(got).size).toBe(people);
}

/** Sets the quiet hours of the store, as its owner; both empty: none. */
async function quietHours(browser: Browser, from: string, until: string): Promise<void> {
  const context = await browser.newContext({ baseURL: servers.mailing.url, storageState: signedIn("owner", "mailing") });
  const page = await context.newPage();
  await page.goto("/settings");
  await page.getByLabel("Quiet hours from").fill(from);
  await page.getByLabel("Quiet hours until").fill(until);
  await page.getByRole("button", { name: "Save planned sends and quiet hours" }).click();
  await expect(page.getByRole("main")).toContainText("Planned sends and quiet hours saved.");
  await context.close();
}

/** What the clock at the store says so many hours from now. */
function atTheStore(hours: number): string {
  const then = new Date(Date.now() + hours * 3_600_000);
  return then.toLocaleTimeString("en-GB", { timeZone: "Australia/Sydney", hour: "2-digit", minute: "2-digit" });
}

async function begin(page: Page, path: string, mail: Mail, name: string | undefined, subject: string): Promise<number> {
  await page.goto(path);
  await write(page, { name, subject, body: "Dear {{first_name}}, come and see." });
  await pickTags(page, "bespoke");
  await counted(page, /this will go to [\d,]+ customers/i);
  await mail.allow(2);
  await sendNow(page);
  return standsAt(page, "Sending", 2);
}

test("a send moves, is stopped in the middle, and goes on to exactly the rest", async ({ page, context, mail }) => {
  const name = unique("Stopped");
  const people = await begin(page, "/marketing/campaigns/new", mail, name, name);
  await mail.allow(3);
  await standsAt(page, "Sending", 5);
  const campaign = page.url().split("?")[0];

  const other = await context.newPage();
  await other.goto(`${campaign}/edit`);
  await expect(other.getByRole("main")).toContainText(`is already sending this — 5 of ${people}.`);
  await other.close();

  await stop(page, `5 customers already have it. The other ${people - 5} won't get it.`);
  await expect(page.getByRole("main")).toContainText(`after 5 of ${people} customers.`);
  const reached = await settled(page, mail, name, people);
  expect(reached).toBeLessThan(people);
  await expect(page.getByRole("checkbox", { name: `Skip the ${reached} who already got it` })).toBeChecked();
  await page.getByRole("button", { name: `Send to the remaining ${people - reached}`, exact: true }).click();
  // The campaign counts people over both goes; each has a line of its own.
  expect(await finished(page)).toBe(people);
  expect(await figure(page, "Skipped")).toBeLessThan(people);
  const goes = page.getByRole("region", { name: "Goes table" });
  await expect(goes.getByRole("row")).toHaveCount(3);
  await expect(goes).toContainText(`Sent to ${people - reached} more`);
  await goes.getByRole("link").first().click();
  await expect(page.getByRole("main")).toContainText(`${reached} of ${people} got it.`);
  await expectOnce(mail, name, people);
});

test("a send that is paused stands still until somebody resumes it", async ({ page, mail }) => {
  const name = unique("Paused");
  const people = await begin(page, "/marketing/campaigns/new", mail, name, name);
  await page.getByRole("button", { name: "Pause" }).click();
  await standsAt(page, "Paused", 2);
  await expect(page.getByRole("main")).toContainText("paused it. Nothing goes out until somebody resumes it.");
  await expect(page.getByRole("button", { name: "Pause" })).toBeHidden();
  // What was on the wire still arrives, and nothing after it.
  await mail.open();
  await reloading(page, async () => {
    const got = (await mail.got(name)).length;
    expect(got).toBeGreaterThan(2);
    expect(got).toBeLessThan(people);
    await expect(page.getByRole("heading", { level: 2, name: `Paused — ${got} of ${people}` })).toBeVisible({ timeout: 1_000 });
  });
  await page.getByRole("button", { name: "Resume" }).click();
  expect(await finished(page)).toBe(people);
  await expectOnce(mail, name, people);
});

test("in the quiet hours Resume asks first", async ({ page, browser, mail }) => {
  const name = unique("Late");
  const people = await begin(page, "/marketing/campaigns/new", mail, name, name);
  await page.getByRole("button", { name: "Pause" }).click();
  await standsAt(page, "Paused", 2);
  const campaign = page.url().split("?")[0];
  await quietHours(browser, atTheStore(-6), atTheStore(6));
  try {
    const question = page.getByRole("dialog", { name: "Resume sending now?" });
    await page.getByRole("button", { name: "Resume" }).click();
    await expect(question).toContainText("customers may be asleep");
    await expect(question.getByRole("heading", { name: "Resume sending now?" })).toBeFocused();
    await question.getByRole("link", { name: "Cancel" }).click();
    await expect(page).toHaveURL(campaign);
    await standsAt(page, "Paused", 2);
    await page.getByRole("button", { name: "Resume" }).click();
    await question.getByRole("button", { name: "Resume sending" }).click();
    await expect(page).toHaveURL(campaign);
    await mail.open();
    expect(await finished(page)).toBe(people);
  } finally {
    await quietHours(browser, "", "");
  }
  await expectOnce(mail, name, people);
});

test("a bulk email that was stopped goes on to exactly the rest", async ({ page, mail }) => {
  const subject = unique("Stopped bulk");
  const people = await begin(page, "/marketing/bulk-email", mail, undefined, subject);
  await stop(page, `2 customers already have it. The other ${people - 2} won't get it.`);
  await expect(page.getByRole("main")).toContainText("Sending stopped after 2 customers.");
  const reached = await settled(page, mail, subject, people);
  await page.getByRole("link", { name: "Send to the rest" }).click();
  await expect(page.getByLabel("Subject", { exact: true })).toHaveValue(subject);
  await expect(page.getByRole("checkbox", { name: `Skip the ${reached} who already got it` })).toBeChecked();
  await sendToRest(page, people - reached);
  expect(await finished(page)).toBe(people - reached);
  await expectOnce(mail, subject, people);
});

test("a bulk email that was stopped goes to the rest as a campaign", async ({ page, mail }) => {
  const subject = unique("Bulk to campaign");
  const people = await begin(page, "/marketing/bulk-email", mail, undefined, subject);
  await stop(page, `2 customers already have it. The other ${people - 2} won't get it.`);
  await expect(page.getByRole("main")).toContainText("Sending stopped after 2 customers.");
  const reached = await settled(page, mail, subject, people);
  await page.getByRole("link", { name: "Send to the rest" }).click();
  await page.getByRole("button", { name: "Make this a campaign instead" }).click();
  await expect(page).toHaveURL(/\/marketing\/campaigns\/\d+\/edit/);
  await expect(page.getByRole("checkbox", { name: `Skip the ${reached} who already got it` })).toBeChecked();
  await sendToRest(page, people - reached);
  expect(await finished(page)).toBe(people);
  await expectOnce(mail, subject, people);
});
