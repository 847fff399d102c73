import { type Page } from "@playwright/test";
import { expect } from "../support/test";

/** Every route with something on it, and the states that look different. */
export const routes: Record<string, string | ((page: Page) => Promise<void>)> = {
  campaigns: "/marketing/campaigns",
  "campaigns, nothing found": "/marketing/campaigns?q=nothing-is-called-this",
  "campaign sent": (page) => open(page, "Pearl evening"),
  "campaign sent, skipped people": async (page) => {
    await open(page, "Pearl evening");
    await page.goto(`${page.url().split("?")[0]}?show=skipped`);
  },
  "campaign sent, corrected": async (page) => {
    await open(page, "Pearl evening");
    await page.getByRole("link", { name: "Send a correction" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Send a correction" })).toBeVisible();
  },
  "campaign planned": (page) => open(page, "Trunk show"),
  "campaign draft": (page) => open(page, "Private preview"),
  "campaign, cannot be edited": async (page) => {
    await open(page, "Pearl evening");
    await page.goto(`${page.url().split("?")[0]}/edit`);
    await expect(page.getByRole("heading", { level: 1, name: "Cannot edit a sent or sending campaign" })).toBeVisible();
  },
  "campaign, delete?": async (page) => {
    await open(page, "Workshop open day");
    await page.goto(`${page.url().split("?")[0]}/delete`);
  },
  "new campaign": "/marketing/campaigns/new",
  "new campaign, refused": async (page) => {
    await page.goto("/marketing/campaigns/new");
    await page.getByRole("button", { name: "Send now" }).click();
    await expect(page.getByRole("alert")).toContainText("Enter a subject");
  },
  "new campaign, asked first": async (page) => {
    await page.goto("/marketing/campaigns/new");
    await page.getByLabel("Name", { exact: true }).fill("Asked first");
    await page.getByLabel("Subject", { exact: true }).fill("Come and see");
    await page.getByLabel("Body", { exact: true }).fill("Dear {{first_name}}, come and see.");
    await page.getByRole("radio", { name: "All", exact: true }).check();
    await page.getByRole("button", { name: "Send now" }).click();
    await expect(page.getByRole("dialog", { name: /^Send to/ })).toBeVisible();
  },
  "draft being edited": async (page) => {
    await open(page, "Private preview");
    await page.getByRole("link", { name: "Edit", exact: true }).click();
    await expect(page.getByRole("region", { name: "Who will get this" })).toContainText(/this will go to/i);
  },
  "bulk email": "/marketing/bulk-email",
  customers: "/customers",
  "customers, searched": "/customers?q=okafor",
  customer: "/customers/1",
  "customer being edited": "/customers/1/edit",
  "new customer": "/customers/new",
  communications: "/customers/1/communications",
  "customer whose address said no": (page) => addressSaidNo(page),
  "customer being edited, address said no": async (page) => {
    await addressSaidNo(page);
    await page.getByRole("link", { name: "Edit", exact: true }).first().click();
    await expect(page.getByLabel("Email", { exact: true })).toHaveAccessibleDescription(/until it agrees again/);
  },
  import: "/customers/import",
  "import, questions": (page) => chooseFile(page, "questions.csv", questions),
  "import, questions not answered": async (page) => {
    await chooseFile(page, "questions.csv", questions);
    await page.getByRole("button", { name: "Import", exact: true }).click();
    await expect(page.getByRole("alert")).toContainText("Say what the column GDPR is");
  },
  "import, checked": async (page) => {
    await chooseFile(page, "book.csv", ["Name,Email,Birthday", "Ann,ann.book@example.com,someday", ",not-an-address,"]);
    await page.getByRole("button", { name: "Check the file" }).click();
    await expect(page.getByRole("heading", { name: "What the file would do" })).toBeVisible();
  },
  outbox: "/outbox",
  settings: "/settings",
  team: "/settings/team",
  account: "/account",
  "audit log": "/audit-log",
  "not found": "/nothing-here",
};

async function open(page: Page, campaign: string): Promise<void> {
  await page.goto(`/marketing/campaigns?q=${encodeURIComponent(campaign)}`);
  await page.getByRole("article", { name: campaign, exact: true }).getByRole("link", { name: campaign, exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: campaign, exact: true })).toBeVisible();
}

const questions = ["name,GDPR,birthday", "Ann,no,3/4/1980", "Bea,yes,5/6/1981"];

/** Uploads a file of these lines, up to the page that asks what its columns are. */
export async function chooseFile(page: Page, name: string, lines: string[]): Promise<void> {
  await page.goto("/customers/import");
  await page.getByLabel("CSV file").setInputFiles({ name, mimeType: "text/csv", buffer: Buffer.from(lines.join("\n")) });
  await page.getByRole("button", { name: "Look at the file" }).click();
  await expect(page.getByRole("region", { name: "Columns table" })).toBeVisible();
}

/** Somebody new, whose address somebody else unsubscribed. */
async function addressSaidNo(page: Page): Promise<void> {
  const email = `shared.${Date.now().toString(36)}@example.com`;
  const add = async (name: string) => {
    await page.goto("/customers/new");
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByLabel("Email", { exact: true }).fill(email);
    await page.getByRole("button", { name: "Add customer" }).click();
    await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  };
  await add("Ines Before");
  await page.getByRole("button", { name: "Record email unsubscribe" }).click();
  await expect(page.getByRole("region", { name: "Consent" })).toContainText("Unsubscribed");
  await add("Ines After");
  await expect(page.getByRole("main")).toContainText("Nobody with this address is emailed until it agrees again.");
}

export async function visit(page: Page, name: string): Promise<void> {
  const route = routes[name];
  if (typeof route === "string") await page.goto(route);
  else await route?.(page);
  // Its words can be there before its style sheet is.
  await page.waitForLoadState();
}
