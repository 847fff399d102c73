import { type IncomingMessage, type ServerResponse, createServer as createControl } from "node:http";
import { type AddressInfo, type Server, type Socket, createServer } from "node:net";
import { mailServer } from "./servers";

/** A message the server has taken. */
export type Taken = { recipient: string; subject: string };

/**
 * Takes as many messages as the test that holds it allows, and lets the next one wait for its
 * answer. Nobody holds it: it takes them all.
 */
class Valve {
  readonly taken: Taken[] = [];
  private allowed = Infinity;
  private readonly answers: (() => void)[] = [];
  private held: Promise<void> = Promise.resolve();
  private giveBack = () => {};

  /** Waits for its turn; nothing is taken then until it is allowed. */
  async hold(): Promise<void> {
    const before = this.held;
    let release = () => {};
    this.held = new Promise((done) => {
      release = done;
    });
    await before;
    this.giveBack = release;
    this.allowed = 0;
  }

  allow(more: number): void {
    this.allowed += more;
    while (this.allowed > 0) {
      const answer = this.answers.shift();
      if (!answer) return;
      this.allowed -= 1;
      answer();
    }
  }

  leave(): void {
    this.allow(Infinity);
    this.giveBack();
  }

  take(message: Taken, answer: () => void): void {
    this.answers.push(() => {
      this.taken.push(message);
      answer();
    });
    this.allow(0);
  }
}

function subjectOf(message: string): string {
  const headers = message.split("\r\n\r\n", 1)[0].replace(/\r\n[ \t]+/g, " ");
  return /^subject: (.*)$/im.exec(headers)?.[1].trim() ?? "";
}

function converse(socket: Socket, valve: Valve): void {
  let unread = "";
  let recipient = "";
  let inMessage = false;
  const say = (line: string) => socket.write(`${line}\r\n`);
  const command = (line: string) => {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === "RCPT") recipient = /<(.*)>/.exec(line)?.[1] ?? "";
    if (verb === "DATA") {
      inMessage = true;
      say("354 Go on");
    } else if (verb === "QUIT") {
      socket.end("221 Goodbye\r\n");
    } else {
      say("250 Fine");
    }
  };
  socket.setEncoding("latin1");
  // Whoever hangs up has its reasons.
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    unread += chunk;
    for (;;) {
      const mark = inMessage ? "\r\n.\r\n" : "\r\n";
      const end = unread.indexOf(mark);
      if (end < 0) return;
      const part = unread.slice(0, end);
      unread = unread.slice(end + mark.length);
      if (inMessage) {
        inMessage = false;
        valve.take({ recipient, subject: subjectOf(part) }, () => say("250 Taken"));
      } else {
        command(part);
      }
    }
  });
  say("220 mail.example.com");
}

async function control(valve: Valve, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (url.pathname === "/hold") await valve.hold();
  if (url.pathname === "/leave") valve.leave();
  if (url.pathname === "/allow") valve.allow(Number(url.searchParams.get("more") ?? Infinity));
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(valve.taken));
}

function listen(server: Server, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server.address() as AddressInfo));
  });
}

/** Starts it before the first test; answers what stops it after the last. */
export default async function startMailServer(): Promise<() => void> {
  const valve = new Valve();
  const sockets = new Set<Socket>();
  const smtp = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    converse(socket, valve);
  });
  const taps = createControl((request, response) => void control(valve, request, response));
  await listen(smtp, mailServer.port);
  await listen(taps, mailServer.control);
  return () => {
    smtp.close();
    taps.close();
    taps.closeAllConnections();
    for (const socket of sockets) socket.destroy();
  };
}
