import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

// This file is read by the runner and by every worker: what is chosen once is handed on in the
// environment.
function once(name: string, choose: () => string): string {
  process.env[name] ??= choose();
  return process.env[name];
}

const folder = once("LOUPE_E2E_FOLDER", () => mkdtempSync(join(tmpdir(), "loupe-e2e-")));
const port = Number(once("LOUPE_E2E_PORT", () => String(21_000 + Math.floor(Math.random() * 9_000))));
const loupe = process.env.LOUPE_BIN ?? resolve(import.meta.dirname, "../../target/debug/loupe");

function server(name: string, offset: number, env: Record<string, string>) {
  const address = `127.0.0.1:${port + offset}`;
  return {
    url: `http://${address}`,
    command: `"${loupe}" demo --if-empty && exec "${loupe}" serve`,
    env: {
      LOUPE_ADDR: address,
      LOUPE_DATABASE_URL: `sqlite://${join(folder, name)}.db`,
      LOUPE_LOG: "warn",
      ...env,
    },
  };
}

/** The mail server of `mailing`, and where a test tells it how much to take. */
export const mailServer = { port: port + 3, control: port + 4 };

// Each on a demo store of its own, made anew. In `held`, a send can be taken back for a while;
// `mailing` gives its messages to a mail server, one at a time.
export const servers = {
  plain: server("plain", 0, { LOUPE_UNDO_SECONDS: "0" }),
  held: server("held", 1, { LOUPE_UNDO_SECONDS: "30" }),
  mailing: server("mailing", 2, {
    LOUPE_UNDO_SECONDS: "0",
    LOUPE_SMTP_URL: `smtp://127.0.0.1:${mailServer.port}?connections=1`,
  }),
};

export type ServerName = keyof typeof servers;
export const roles = ["owner", "manager", "sales", "workshop", "accounts"] as const;
export type Role = (typeof roles)[number];
export const password = "aurelia-demo";

export function address(role: Role): string {
  return `${role}@aurelia.example.com`;
}

/** The file with the signed-in cookies of a role. */
export function signedIn(role: Role, name: ServerName = "plain"): string {
  return join(folder, `${name}-${role}.json`);
}
