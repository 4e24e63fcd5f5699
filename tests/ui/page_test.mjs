// SPDX-License-Identifier: Apache-2.0
// The page in a real browser: what a person with a bounce sees, by mouse and by keyboard, in both colour schemes.
//
//   node tests/ui/page_test.mjs [ADDRESS]     ADDRESS as the program prints it, with #token=…; without one, the stand-in
//
// Needs ui/node_modules (npm ci in ui/) and Chromium; SMTPDX names the built program (it prints the bounce that is pasted).
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { close, findings, open, origin, root, visit } from "./browser.mjs";

const program = process.env.SMTPDX ?? [root + "build/test/smtpdx", root + "build/release/smtpdx"].find(existsSync);
const BARE = "550 5.7.367 Remote server returned not permitted to relay";
const bounce = execFileSync(program, ["demo", "--bounce"], { encoding: "utf8" });

let address = process.argv[2], standIn;

before(async () => {
  if (!address) {
    standIn = spawn(process.execPath, [fileURLToPath(new URL("stand_in.mjs", import.meta.url))],
      { env: { ...process.env, SMTPDX: program }, stdio: ["ignore", "pipe", "inherit"] });
    for await (const line of createInterface({ input: standIn.stdout })) { address = line; break; }
  }
  await open(address);
});
after(async () => {
  await close();
  standIn?.kill();
});

const marks = (page) => page.$$eval(".mail mark", (all) => all.map((m) => m.textContent));
const heading = (page) => page.textContent("main h1");

async function explain(page, text) {
  await page.fill("#box", text);
  await page.press("#box", "Control+Enter");
  await page.waitForSelector("article.card");
}

async function prove(page) {
  await page.click(".prove .primary");
  await page.waitForSelector(".card.proved");
}

/** As a person pastes: the clipboard's event, then the text in the box. */
async function paste(page, text) {
  await page.focus("#box");
  await page.evaluate((words) => {
    const box = document.getElementById("box");
    const data = new DataTransfer();
    data.setData("text/plain", words);
    if (box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })))
      document.execCommand("insertText", false, words);
  }, text);
}

const wide = (page) => page.evaluate(() =>
  document.documentElement.scrollWidth > document.documentElement.clientWidth
    ? [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 5).map((e) => e.outerHTML.slice(0, 120))
    : []);

test("the token leaves the address, and a reload needs it no more", () => visit(async (page) => {
  assert.equal(new URL(page.url()).hash, "");
  await page.reload();
  await page.waitForSelector(".doors");
}));

test("a bounce that is pasted is explained at once, and its deciding words are marked", () => visit(async (page) => {
  await paste(page, bounce);
  await page.waitForSelector("article.card.open");
  const found = await marks(page);
  assert.ok(found.some((m) => m.includes("554 5.7.1 Relaying denied")), found.join(" / "));
  assert.ok(found.some((m) => m.includes("mx1.gateway-lyra.example")), found.join(" / "));
  assert.ok(await page.$eval(".mail", (box) => {
    const mark = box.querySelector("mark").getBoundingClientRect(), frame = box.getBoundingClientRect();
    return mark.top >= frame.top && mark.bottom <= frame.bottom;
  }), "the first mark is scrolled into view");
  assert.match(await page.textContent(".who"), /That depends on the cause/);
  assert.equal(await page.inputValue("#prove-to"), "orders@kestrel-books.example");
}));

test("the bounce, asked live, ends in a proved cause with the deciding words marked", () => visit(async (page) => {
  await explain(page, bounce);
  await prove(page);
  assert.equal(await heading(page), "The recipient domain's own MX does not know the domain and refuses everybody who writes to it.");
  assert.match(await page.textContent(".badge"), /^Proved by records/);
  assert.match(await page.textContent(".who .job"), /admin of the recipient's mail server/);
  assert.ok((await page.$$(".first .steps li")).length >= 3);
  assert.ok((await marks(page)).some((m) => m.includes("554 5.7.1 Relaying denied")));
  assert.match(await page.textContent(".because"), /are all refused/);
  await page.click(".transcripts > summary");
  const carried = await page.$$eval(".conversation mark", (all) => all.map((m) => m.textContent.trim()));
  assert.deepEqual([...new Set(carried)], ["<~* 554 5.7.1 Relaying denied"]);
  assert.ok((await page.$$(".waterfall tbody tr")).length >= 3);
  assert.match(await page.textContent(".list"), /m365\.relay_pool_forward/);
}));

test("the example is one press away, and its result can be opened again by its address", () => visit(async (page) => {
  await page.click("text=Show me an example");
  await page.waitForSelector(".card.proved .mail mark");
  const found = await marks(page);
  await page.reload();
  await page.waitForSelector(".card.proved .mail mark");
  assert.deepEqual(await marks(page), found);
}));

test("a bare reply stays undecided and says what to add", () => visit(async (page) => {
  await explain(page, BARE);
  assert.match(await page.textContent(".badge"), /Not settled yet/);
  assert.match(await page.textContent(".add"), /recipient's address/);
  assert.match(await page.textContent(".add"), /whole message that came back/);
  assert.deepEqual(await marks(page), [BARE]);
  assert.ok((await page.$$(".candidates > li")).length >= 3);
  await page.click(".prove .primary");
  assert.match(await page.textContent("#prove-to-error"), /Name the recipient/);
  assert.equal(await page.evaluate(() => document.activeElement.id), "prove-to");
  assert.equal(await page.$(".card.proved"), null);
}));

test("an empty box is said so, an ordinary message too", () => visit(async (page) => {
  await page.click(".box .primary");
  assert.match(await page.textContent("#box-error"), /Nothing to explain/);
  await explain(page, "From: a@alder.example\nTo: b@birch.example\nSubject: lunch\n\nAt noon?\n");
  assert.match(await heading(page), /ordinary message/);
  await page.goBack();
  await explain(page, "hello there");
  assert.match(await heading(page), /Nothing in this says/);
  assert.equal(await page.$(".prove"), null);
}));

test("what a mail says is text, whatever it says", () => visit(async (page) => {
  const evil = "550 5.7.1 <img src=x onerror=document.title='owned'><script>document.title='owned'</script> Relaying denied";
  await explain(page, evil);
  assert.equal((await marks(page)).join(""), evil);
  assert.equal(await page.$("main img, main script"), null);
  assert.notEqual(await page.title(), "owned");
}));

test("marks count octets, not characters", () => visit(async (page) => {
  const text = "Grüße — ÄÖÜ 🙂 von Mailsystem\n\n<bob@birch.example>: host mx.birch.example[192.0.2.7] said: 554 5.7.1 Relaying denied (in reply to RCPT TO command)\n";
  await explain(page, text);
  const found = (await marks(page)).join("");
  assert.ok(found.includes("Relaying denied"), found);
  assert.ok(!found.includes("Mailsystem"), found);
}));

test("by keyboard alone, from the box to the proof", () => visit(async (page) => {
  const active = () => page.evaluate(() => document.activeElement.id || document.activeElement.className || document.activeElement.tagName);
  const tabTo = async (what) => {
    for (let n = 0; n < 60; ++n) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((s) => document.activeElement.matches(s), what)) return;
    }
    assert.fail(`${what} is not reached by Tab`);
  };
  assert.equal(await active(), "box");
  await page.keyboard.insertText(bounce);
  await tabTo(".box .primary");
  await page.keyboard.press("Enter");
  await page.waitForSelector("article.card");
  await page.waitForFunction(() => document.activeElement.tagName === "H1");
  await tabTo(".prove .primary");
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".card.proved");
  await page.waitForFunction(() => document.activeElement.tagName === "H1");
  await tabTo(".transcripts > summary");
  await page.keyboard.press("Enter");
  assert.ok(await page.$(".transcripts[open]"));
}));

test("without a session the page says what to do", () => visit(async (page) => {
  assert.match(await heading(page), /address that smtpdx printed/);
  assert.deepEqual(await findings(page), []);
}, { open: "/", ready: ".closed", allow: /401/ }));

test("a wrong token is no session", () => visit(async (page) => {
  assert.match(await heading(page), /address that smtpdx printed/);
}, { open: "/#token=wrong", ready: ".closed", allow: /401/ }));

/** A server with accounts, as far as its answers about sessions go: alice may come in. */
async function withAccounts(page) {
  let inside = false;
  const problem = (title) => ({ status: 401, contentType: "application/problem+json", body: JSON.stringify({ title, status: 401, login: "password" }) });
  await page.route("**/v1/session", (route) => {
    const request = route.request();
    if (request.method() === "DELETE") { inside = false; return route.fulfill({ status: 204 }); }
    if (request.method() === "GET") return route.fulfill(inside ? { status: 200, json: { user: "alice", scopes: [] } } : problem("log in first"));
    inside = request.postDataJSON().password === "sesame";
    return route.fulfill(inside ? { status: 204 } : problem("wrong"));
  });
  await page.route("**/v1/meta", (route) => route.fulfill({ json: { version: "0", languages: ["en"], rooms: ["explain"], consent: { max: "auth" }, history: false, demo: false } }));
}

test("where there are accounts the page asks for name and password", () => visit(async (page) => {
  assert.deepEqual(await findings(page), []);
  await page.fill("#user", "alice");
  await page.fill("#password", "no");
  await page.press("#password", "Enter");
  assert.match(await page.textContent(".error"), /wrong/);
  await page.fill("#password", "sesame");
  await page.press("#password", "Enter");
  await page.waitForSelector(".doors");
  await page.click("text=Log out alice");
  await page.waitForSelector("#password");
}, { open: "/", ready: "#password", allow: /401/, first: withAccounts }));

test("a result that is not known is said so", () => visit(async (page) => {
  await page.goto(origin() + "/diagnoses/d_unknown");
  await page.waitForSelector(".sorry");
  assert.match(await page.textContent(".sorry"), /does not know this result/);
}, { allow: /404/ }));

test("the copy for others has nobody's name in it", () => visit(async (page) => {
  await explain(page, bounce);
  await prove(page);
  await page.click(".share summary");
  const text = await page.textContent(".share pre");
  for (const name of ["kestrel", "lyra", "orders", "meridian", "lindqvist", "192.0.2", "outlook.com"]) assert.ok(!text.toLowerCase().includes(name), `${name} in:\n${text}`);
  assert.match(text, /rcpt\.mx_not_configured_for_domain/);
  assert.match(text, /554 5\.7\.1 Relaying denied/);
}));

test("the letter comes in the language chosen, and after the proof it says what was proved", () => visit(async (page) => {
  await explain(page, bounce);
  await page.click(".letter summary");
  await page.selectOption("#letter-language", "de");
  await page.waitForFunction(() => document.querySelector(".letter pre")?.textContent.includes("Guten Tag"));
  assert.match(await page.textContent(".letter pre"), /554 5\.7\.1 Relaying denied/);
  await prove(page);
  await page.waitForSelector(".letter[open] pre");
  if (!standIn) assert.match(await page.textContent(".letter pre"), /kestrel-books\.example[^]*MX/);
}));

test("in German, by the browser's wish or by choice, and it stays", async () => {
  await visit(async (page) => {
    assert.equal(await page.getAttribute("html", "lang"), "de");
    assert.match(await heading(page), /Warum kommt/);
    await page.selectOption("#language", "en");
    assert.match(await heading(page), /Why is this mail/);
    await page.reload();
    await page.waitForSelector(".doors");
    assert.match(await heading(page), /Why is this mail/);
  }, { locale: "de-AT" });
});

test("the catalogue can be searched, and each cause has an address", () => visit(async (page) => {
  await page.click("nav >> text=Causes");
  await page.waitForSelector(".catalogue li");
  const all = (await page.$$(".catalogue li")).length;
  assert.ok(all >= 70);
  await page.fill("#search", "stale mx");
  await page.waitForFunction((n) => document.querySelectorAll(".catalogue li").length < n, all);
  await page.click("text=One of the recipient's MX hosts");
  await page.waitForSelector(".steps li");
  assert.equal(new URL(page.url()).pathname, "/causes/rcpt.one_mx_stale");
  await page.reload();
  await page.waitForSelector(".steps li");
  await page.goBack();
  await page.waitForSelector(".catalogue");
}));

test("kept results are those that were kept", (t) => visit(async (page) => {
  if (!await page.$("nav >> text=Kept results")) return t.skip("this server keeps nothing");
  await page.click("text=Show me an example");
  await page.waitForSelector(".card.proved");
  const here = new URL(page.url()).pathname;
  await page.click("nav >> text=Kept results");
  await page.waitForSelector("main h1");
  await page.waitForSelector("main p >> text=/./");
  assert.equal(await page.$(`a[href="${here}"]`), null);
  await page.goBack();
  await page.check(".keep input");
  await page.waitForTimeout(300);
  await page.click("nav >> text=Kept results");
  await page.click(`a[href="${here}"]`);
  await page.waitForSelector(".card.proved");
  assert.ok(await page.isChecked(".keep input"));
  await page.uncheck(".keep input");
}));

test("an address and a domain are questions of their own", () => visit(async (page) => {
  await page.fill("#box", "bob@birch.example");
  await page.press("#box", "Enter");
  await page.waitForSelector("#prove-to");
  assert.equal(await page.inputValue("#prove-to"), "bob@birch.example");
  await page.goBack();
  await page.fill("#box", "birch.example");
  await page.press("#box", "Enter");
  await page.waitForSelector("#prove-to");
  assert.equal(await page.inputValue("#prove-to"), "postmaster@birch.example");
}));

test("a refused login is a question to one's own server", () => visit(async (page) => {
  await explain(page, "535 5.7.8 Error: authentication failed");
  assert.match(await page.textContent(".badge"), /Likely/);
  await page.click(".prove .primary");
  assert.equal(await page.evaluate(() => document.activeElement.id), "prove-server");
}));

test("forms say what is missing, at the field", () => visit(async (page) => {
  await page.click("nav >> text=Cannot send");
  await page.click(".prove .primary");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-invalid")), "true");
  await page.click("nav >> text=Who may send here?");
  await page.click("form .primary");
  assert.equal(await page.evaluate(() => document.activeElement.id), "relay-host");
}));

test("a server's permissions: what flips the answer is marked, and where nothing answers it is said", () => visit(async (page) => {
  await page.goto(origin() + "/relay");
  for (const [field, value] of [["host", "mail.bluebell.example:587"], ["from", "alice@bluebell.example"], ["to", "bob@far.example"],
    ["user", "alice"], ["password", "sesame"]]) await page.fill(`#relay-${field}`, value);
  await page.click("form .primary");
  await page.waitForSelector(".matrix, main p a[href='/relay']", { timeout: 60_000 });
  if (standIn) assert.ok((await page.$$eval("tr.flips th", (all) => all.map((e) => e.textContent))).some((w) => w.startsWith("Login")));
  assert.deepEqual(await findings(page), []);
  await page.goto(origin() + "/relay");
  assert.ok(!(await page.content()).includes("sesame"));
}));

test("a file is taken as it is, and Outlook's container is said to be no message", () => visit(async (page) => {
  await page.setInputFiles("input[type=file]", { name: "x.msg", mimeType: "application/octet-stream", buffer: Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0, 0]) });
  assert.match(await page.textContent("#box-error"), /\.msg/);
  await page.setInputFiles("input[type=file]", { name: "bounce.eml", mimeType: "message/rfc822", buffer: Buffer.from(bounce.replace(/\n/g, "\r\n")) });
  await page.waitForSelector("article.card.open");
  assert.ok((await marks(page)).some((m) => m.includes("554 5.7.1 Relaying denied")));
}));

for (const colorScheme of ["light", "dark"])
  for (const width of [1280, 320])
    test(`${colorScheme}, ${width} px: nothing serious for axe, nothing beyond the edge`, () => visit(async (page) => {
      const look = async (where) => {
        assert.deepEqual(await findings(page), [], where);
        assert.deepEqual(await wide(page), [], where);
      };
      await look("start");
      await explain(page, bounce);
      await page.click(".prove details >> nth=0 >> summary");
      await page.click(".prove details >> nth=1 >> summary");
      await look("explanation");
      await prove(page);
      for (const details of await page.$$("details:not([open]) > summary")) if (await details.isVisible()) await details.click();
      await look("verdict");
      for (const [path, ready] of [["/causes", ".catalogue li"], ["/causes/rcpt.one_mx_stale", ".steps li"], ["/relay", "#relay-host"],
        ["/send", "#prove-server"], ["/history", "main p"], ["/help", "main section"], ["/nowhere", "main a"]]) {
        await page.goto(origin() + path);
        await page.waitForSelector(ready);
        await look(path);
      }
    }, { colorScheme, viewport: { width, height: 800 } }));
