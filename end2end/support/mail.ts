import type { Taken } from "./mail-server";
import { mailServer } from "./servers";
import { test as base } from "./test";

async function tell(what: string): Promise<Taken[]> {
  const answer = await fetch(`http://127.0.0.1:${mailServer.control}/${what}`, { method: "POST" });
  return (await answer.json()) as Taken[];
}

/** The mail server, for as long as a test has it to itself. */
export type Mail = {
  /** Lets it take so many more. */
  allow(more: number): Promise<void>;
  /** Lets it take whatever comes. */
  open(): Promise<void>;
  /** Who has been sent this subject, an address for each message. */
  got(subject: string): Promise<string[]>;
};

/** With a mail server that takes nothing until the test allows it. */
export const test = base.extend<{ mail: Mail }>({
  mail: [
    async ({}, use) => {
      await tell("hold");
      await use({
        allow: async (more) => void (await tell(`allow?more=${more}`)),
        open: async () => void (await tell("allow")),
        got: async (subject) =>
          (await tell("taken")).filter((message) => message.subject === subject).map((message) => message.recipient),
      });
      await tell("leave");
    },
    // It may have to wait for the test beside it.
    { timeout: 300_000 },
  ],
});
