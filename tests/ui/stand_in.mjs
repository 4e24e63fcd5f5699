// SPDX-License-Identifier: Apache-2.0
// A stand-in for `smtpdx serve`: the page's files and its interface, answered by the built program's command line, so that
// the documents are real ones. Diagnoses play the built-in small internet; a relay test plays a scenario by `smtpdx mock`.
//
//   SMTPDX=build/test/smtpdx node tests/ui/stand_in.mjs [PORT]      prints the address to open
//
// It serves one person on loopback for trying the page out, and is no model of the server.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const program = process.env.SMTPDX ?? join(root, "build/test/smtpdx");
const slow = Number(process.env.STAND_IN_MS ?? 0);       // between two events, to see a run happen
const token = randomBytes(8).toString("hex");
const runs = new Map();
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

function call(args, stdin = "") {
  return new Promise((done) => {
    const child = spawn(program, args);
    let out = "", err = "";
    child.stdout.on("data", (d) => (out += d));
    child.stderr.on("data", (d) => (err += d));
    child.on("close", (code) => done({ code, out, err }));
    child.stdin.on("error", () => {});
    child.stdin.end(stdin);
  });
}

const lines = (text) => text.split("\n").filter(Boolean).map((l) => JSON.parse(l));
const names = (q) => ["to", "from"].flatMap((k) => (q[k] ? [`--${k}`, q[k]] : []));
const looksWhole = (text) => /^[\w-]+:.*\n/.test(text);
/** As the command line takes it: a whole message as a file, a line as --text. */
const given = (text) => (looksWhole(text) ? ["-"] : ["--text", text]);

/** What is played for a diagnosis that is not the demo's: the scenario named, else the demo's own world. */
async function diagnose(q) {
  const bounce = (await call(["demo", "--bounce"])).out;
  if (q.demo || (q.text ?? "").trim() === bounce.trim()) return { input: bounce, result: JSON.parse((await call(["demo", "--json"])).out) };
  const args = ["diagnose", "--json", "--no-input", "--timeout", "2", "--resolver", "127.0.0.1:9", ...names(q)];
  if (q.text) args.push(...given(q.text));
  else if (q.to) args.push(q.to);
  const { out, err } = await call(args, q.text && looksWhole(q.text) ? q.text : "");
  return { input: q.text ?? null, result: out ? JSON.parse(out) : null, problem: out ? null : { title: "not understood", detail: err } };
}

async function playRelay(q) {
  const file = process.env.STAND_IN_SCENARIO ?? join(root, "tests/scenarios/S13-never-logged-in.scenario");
  const world = spawn(program, ["mock", file, "--for", "30"]);
  try {
    let reach = "";
    for await (const line of createInterface({ input: world.stdout }))
      if (line.startsWith("reach it with: ")) { reach = line.slice(15); break; }
    const login = q.user && q.password ? ["--user", q.user, "--password", q.password] : [];
    const { out, err } = await call(["relay", q.host, "--from", q.from, "--to", q.to, "--json", ...login, ...reach.split(" ")]);
    return { result: out ? JSON.parse(out) : null, problem: out ? null : { title: "not understood", detail: err } };
  } finally {
    world.kill();
  }
}

function begin(kind, prefix, request, work) {
  const id = `${prefix}_${randomBytes(6).toString("hex")}`;
  const { password, ...told } = request;
  const run = { id, kind, status: "running", created_at: new Date().toISOString(), saved: false, request: told, input: null, result: null, problem: null, events: [], wake: new Set() };
  runs.set(id, run);
  const say = (event, data) => { run.events.push({ event, data }); run.wake.forEach((w) => w()); };
  work.then(async ({ input, result, problem }) => {
    Object.assign(run, { input: input ?? null, problem: problem ?? null });
    if (kind === "diagnosis" && result) await replay(result, say, run);
    if (run.status === "cancelled") return;
    run.result = result;
    run.status = result ? "done" : "failed";
    if (result) say("verdict", result);
    say("end", { status: run.status, problem: run.problem });
  });
  return run;
}

async function replay(d, say, run) {
  const wait = () => (slow ? new Promise((r) => setTimeout(r, slow)) : null);
  say("plan", { round: 1, ms: 0, questions: ["looking up the MX and the hosts behind it", "asking the servers about the recipient"] });
  for (const o of d.observations) { await wait(); if (run.status !== "running") return; say("observation", o); }
  for (const c of d.transcripts) for (const l of c.lines) say("line", { channel: c.channel, peer: c.peer, ...l });
}

const json = (res, status, body, headers = {}) => {
  res.writeHead(status, { "Content-Type": status >= 400 ? "application/problem+json" : "application/json", "Cache-Control": "no-store", ...headers });
  res.end(body === undefined ? undefined : JSON.stringify(body));
};
const problem = (res, status, title, detail) => json(res, status, { type: "about:blank", title, status, detail });
const view = ({ events, wake, ...run }) => run;

function stream(res, run, last) {
  res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  let at = last;
  const flush = () => {
    for (; at < run.events.length; ++at) {
      const { event, data } = run.events[at];
      res.write(`id: ${at + 1}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      if (event === "end") return res.end();
    }
  };
  run.wake.add(flush);
  res.on("close", () => run.wake.delete(flush));
  flush();
}

async function answer(req, res, path, body) {
  if (path === "/v1/session" && req.method === "POST") {
    if (JSON.parse(body).token !== token) return problem(res, 401, "not the token of this start", "");
    return json(res, 204, undefined, { "Set-Cookie": `smtpdx=${token}; HttpOnly; SameSite=Strict; Path=/` });
  }
  if (!(req.headers.cookie ?? "").includes(`smtpdx=${token}`)) return problem(res, 401, "no session", "");
  const q = body && (req.headers["content-type"] ?? "").includes("json") ? JSON.parse(body) : {};
  const part = path.split("/").map(decodeURIComponent);
  switch (`${req.method} ${part[2]}`) {
    case "GET session": return json(res, 200, { user: "local", scopes: ["all"] });
    case "GET meta": return json(res, 200, { version: "0.1.0", languages: ["en", "de", "es", "fr", "ja"], rooms: ["explain", "diagnose", "relay", "causes", "demo", "history"], consent: { max: "auth" }, history: true, demo: true });
    case "POST explain": {
      const text = q.text ?? body;
      const { out, err } = await call(["explain", "--json", ...names(q), ...(q.text ? given(text) : ["-"])], text);
      return out ? json(res, 200, { results: lines(out) }) : problem(res, 422, "not understood", err);
    }
    case "POST letters": {
      const { out } = await call(["explain", "--letter", q.lang, ...names(q), ...given(q.text)], q.text);
      return json(res, 200, { letters: [{ index: 0, text: out }] });
    }
    case "POST diagnoses": return json(res, 202, view(begin("diagnosis", "d", q, diagnose(q))));
    case "POST relay-tests": return json(res, 202, view(begin("relay", "r", q, playRelay(q))));
    case "GET causes": {
      const { out, code } = await call(part[3] ? ["causes", part[3], "--json"] : ["causes", "--json"]);
      return code || !out ? problem(res, 404, "no such cause", "") : json(res, 200, part[3] ? JSON.parse(out).causes[0] : JSON.parse(out));
    }
    case "GET history": return json(res, 200, { items: [...runs.values()].filter((r) => r.saved).map((r) => ({ id: r.id, kind: r.kind, title: r.result?.summary ?? r.id, status: r.status, created_at: r.created_at })), next: null });
  }
  const run = runs.get(part[3]);
  if (!run) return problem(res, 404, "no such result", "");
  if (req.method === "PUT") { run.saved = q.saved; return json(res, 204); }
  if (req.method === "DELETE") { run.status = "cancelled"; runs.delete(run.id); return json(res, 204); }
  if (part[4] === "events") return stream(res, run, Number(req.headers["last-event-id"] ?? 0));
  return json(res, 200, view(run));
}

const server = createServer((req, res) => {
  const path = new URL(req.url, "http://127.0.0.1").pathname;
  if (!path.startsWith("/v1/")) {
    let file = join(root, "ui/dist", path), type = TYPES[extname(path)];
    if (!type) [file, type] = [join(root, "ui/dist/index.html"), TYPES[".html"]];
    let content;
    try { content = readFileSync(file); } catch { return problem(res, 404, "not found", ""); }
    res.writeHead(200, { "Content-Type": type, "Content-Security-Policy": CSP, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer" });
    return res.end(content);
  }
  const chunks = [];
  req.on("data", (c) => chunks.push(c));
  req.on("end", () => answer(req, res, path, Buffer.concat(chunks).toString()).catch((e) => problem(res, 500, "stand-in", String(e))));
});
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/#token=${token}`));
