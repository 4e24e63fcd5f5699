// SPDX-License-Identifier: Apache-2.0
// The page of a server for others: the login in a real browser, and the permissions of a server that really answers.
//
//   node tests/ui/accounts_page_test.mjs ADDRESS     of a `serve` that has accounts; serve_page_test.py starts one
//
// The environment gives PAGE_USER and PAGE_PASSWORD, and the submission server of its world: RELAY_HOST, RELAY_USER, RELAY_PASSWORD.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { close, findings, open, origin, visit } from "./browser.mjs";

const { PAGE_USER, PAGE_PASSWORD, RELAY_HOST, RELAY_USER, RELAY_PASSWORD } = process.env;
const REFUSED = /401 \(Unauthorized\)|429 \(Too Many Requests\)/;

before(() => open(process.argv[2]));
after(close);

/** A visit that begins at the login; the certificate is the test's own. */
const guest = (body, options = {}) => visit(body, { ready: "#user", allow: REFUSED, ignoreHTTPSErrors: true, ...options });

async function logIn(page, password = PAGE_PASSWORD) {
  await page.fill("#user", PAGE_USER);
  await page.fill("#password", password);
  await page.press("#password", "Enter");
}

test("a wrong password is said so, the right one opens the page, and logging out closes it", () => guest(async (page) => {
  assert.deepEqual(await findings(page), []);
  await logIn(page, "not this one");
  await page.waitForSelector("[role=alert] >> text=/./");
  assert.equal(await page.$(".doors"), null);
  await page.waitForTimeout(1_200);  // guessing is slowed
  await logIn(page);
  await page.waitForSelector(".doors");
  assert.ok(!(await page.content()).includes(PAGE_PASSWORD));
  assert.equal(await page.evaluate(() => document.cookie), "");
  await page.reload();
  await page.waitForSelector(".doors");
  await page.click(`text=Log out ${PAGE_USER}`);
  await page.waitForSelector("#password");
  await page.goto(origin() + "/history");
  await page.waitForSelector("#password");
}));

test("a server's permissions: the login is what flips the answer", () => guest(async (page) => {
  await logIn(page);
  await page.waitForSelector(".doors");
  await page.goto(origin() + "/relay");
  for (const [field, value] of [["host", RELAY_HOST], ["from", `${RELAY_USER}@camellia.example`], ["to", "bob@far.example"],
    ["user", RELAY_USER], ["password", RELAY_PASSWORD]]) await page.fill(`#relay-${field}`, value);
  await page.click("form .primary");
  await page.waitForSelector(".matrix", { timeout: 60_000 });
  const flips = await page.$$eval("tr.flips", (all) => all.map((e) => e.textContent));
  assert.ok(flips.some((words) => words.startsWith("Login")), flips.join("; "));
  // Its own mailboxes may be written to; nothing else that a stranger could change lets him send.
  assert.deepEqual(flips.filter((words) => !/^(Login|Recipient)/.test(words)), []);
  assert.deepEqual(await findings(page), []);
  assert.ok(!(await page.content()).includes(RELAY_PASSWORD));
}));
