// SPDX-License-Identifier: Apache-2.0
// The browser of the page's tests, and a visit that fails where the page does anything it should not.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));
const require = createRequire(root + "ui/package.json");
const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

let browser, address;

/** `at`: the server's address as the program prints it. */
export async function open(at) {
  address = at;
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

export const close = () => browser?.close();
export const origin = () => new URL(address).origin;

/** A page with a session (unless `open` says otherwise) that fails the test over a console error or a foreign request. */
export async function visit(body, { open = address, ready = ".doors", allow = /(?!)/, first = async () => {}, ...options } = {}) {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const wrong = [];
  page.on("console", (m) => { if (["error", "warning"].includes(m.type()) && !allow.test(m.text())) wrong.push(`console: ${m.text()}`); });
  page.on("pageerror", (e) => wrong.push(`page: ${e.message}`));
  page.on("request", (r) => { if (!r.url().startsWith(origin() + "/") && !r.url().startsWith("data:")) wrong.push(`request: ${r.url()}`); });
  try {
    await first(page);
    await page.goto(new URL(open, address).href);
    await page.waitForSelector(ready);
    await body(page);
    assert.deepEqual(wrong, []);
  } finally {
    await context.close();
  }
}

/** What axe-core finds that is serious or critical. */
export async function findings(page) {
  await page.evaluate(axeSource);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.filter((v) => ["serious", "critical"].includes(v.impact))
    .map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(" | ")}`);
}
