import { defineConfig, devices } from "@playwright/test";
import { servers } from "./support/servers";

// Two projects: every task is done with JavaScript and without it. Files named `*.hydrate.spec.ts`
// are about what only happens with it.
export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  globalSetup: ["./support/mail-server.ts", "./support/sign-in.ts"],
  fullyParallel: false,
  workers: 2,
  // A browser on a busy machine stumbles by itself now and then; a test that needs its second try is
  // told as flaky.
  retries: 1,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  forbidOnly: true,
  reporter: [["list", { printSteps: false }]],
  use: {
    ...devices["Desktop Chrome"],
    baseURL: servers.plain.url,
    viewport: { width: 1360, height: 900 },
    locale: "en-AU",
    timezoneId: "Europe/Lisbon",
    // A trace runs scripts of its own in every frame, which the console of a sandboxed one complains of.
    trace: process.env.TRACE ? "retain-on-failure" : "off",
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? (process.env.PLAYWRIGHT_OWN_BROWSER ? undefined : "/usr/bin/chromium"),
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  projects: [
    { name: "js" },
    { name: "no-js", use: { javaScriptEnabled: false }, testIgnore: /\.hydrate\.spec\.ts$/ },
  ],
  webServer: Object.values(servers).map((server) => ({
    command: server.command,
    url: `${server.url}/livez`,
    env: server.env,
    reuseExistingServer: false,
    stdout: "ignore" as const,
    stderr: "pipe" as const,
    gracefulShutdown: { signal: "SIGTERM" as const, timeout: 5_000 },
  })),
});
