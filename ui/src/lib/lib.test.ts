// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it, vi } from "vitest";
import { readdirSync } from "node:fs";
import type { Explanation, Span, Transcript } from "../types";

vi.stubGlobal("navigator", { languages: ["en"] });
vi.stubGlobal("document", { documentElement: {} });
const { guess, typed } = await import("./input");
const { pieces } = await import("./spans");
const { Redactor } = await import("./redact");
const { lanesOf, linesIn } = await import("./timing");
const { findingOf } = await import("./finding");
const { needWords } = await import("./needs");
const { empty, take } = await import("./run");
const { en } = await import("../strings/en");
const { de } = await import("../strings/de");
const { preferred } = await import("../strings");
const { explanationText } = await import("./share");

describe("what was typed", () => {
  it("tells an address and a domain from somebody's words", () => {
    expect(guess(" bob@alder.example ")).toEqual({ kind: "address", address: "bob@alder.example" });
    expect(guess("<bob@alder.example>")).toEqual({ kind: "address", address: "bob@alder.example" });
    expect(guess("alder.example.")).toEqual({ kind: "domain", domain: "alder.example" });
    expect(guess("müller.example").kind).toBe("domain");
    for (const words of ["550 5.7.1 Relaying denied", "bob@alder.example: unknown", "5.7.1", "192.0.2.1", "mail", "a@b"])
      expect(guess(words).kind).toBe("words");
  });
});

describe("marks", () => {
  const span = (offset: number, length: number, what = "reply"): Span => ({ what, offset, length, text: "" });
  const marked = (text: string, ...spans: Span[]) => pieces(typed(text).bytes, spans).filter((p) => p.what.length).map((p) => p.text);

  it("counts octets", () => expect(marked("ä🙂x denied", span(8, 6))).toEqual(["denied"]));
  it("leaves the blanks around a mark alone", () => expect(marked("Remote-MTA: dns;x\n", span(11, 7))).toEqual(["dns;x"]));
  it("overlaps without doubling a letter", () => {
    const parts = pieces(typed("one two three").bytes, [span(0, 7, "a"), span(4, 9, "b")]);
    expect(parts.map((p) => p.text)).toEqual(["one ", "two", " three"]);
    expect(parts[1]!.what).toEqual(["a", "b"]);
  });
  it("never cuts a letter in two, and bears with nonsense", () => {
    expect(pieces(typed("äöü").bytes, [span(1, 2)]).map((p) => p.text).join("")).toBe("äöü");
    expect(marked("abc", span(-1, 2), span(99, 1), span(1, 0))).toEqual([]);
    expect(marked("abc", span(1, 99))).toEqual(["bc"]);
  });
  it("shows of a long input what is near the marks, and loses no octet", () => {
    const long = "x".repeat(200_000) + "denied" + "y".repeat(200_000);
    const parts = pieces(typed(long).bytes, [span(200_000, 6)]);
    expect(parts.filter((p) => p.what.length).map((p) => p.text)).toEqual(["denied"]);
    expect(parts.reduce((n, p) => n + p.text.length + (p.omitted ?? 0), 0)).toBe(long.length);
    expect(parts.reduce((n, p) => n + p.text.length, 0)).toBeLessThan(20_000);
  });
});

describe("names taken out", () => {
  it("gives each name one placeholder, wherever it stands", () => {
    const r = new Redactor();
    r.learn("host mx1.alder.example[192.0.2.7] said: 550 <bob@alder.example>: unknown (2001:db8::1)");
    expect(r.clean("mx1.alder.example refuses BOB@alder.example at 192.0.2.7 and 2001:db8::1; alder.example, 192.0.2.71"))
      .toBe("host2.example refuses user1@host1.example at [ip-2] and [ip-1]; host1.example, 192.0.2.71");
    for (const name of ["alder", "bob", "2001"]) expect(r.clean("mx1.alder.example bob@alder.example 2001:db8::1")).not.toContain(name);
  });
  it("leaves codes, times and versions alone", () => {
    const r = new Redactor();
    r.learn("550 5.7.1 at 12:30:45 TLSv1.3 refused");
    expect(r.clean("550 5.7.1 at 12:30:45 TLSv1.3 refused")).toBe("550 5.7.1 at 12:30:45 TLSv1.3 refused");
  });
  it("knows a host of one label and an account by what they are", () => {
    const r = new Redactor();
    r.learnAs("host", "mailgate");
    r.learnAs("account", "alice");
    expect(r.clean("mailgate says no to alice, malice and mailgates")).toBe("host1.example says no to account1, malice and mailgates");
  });
});

describe("conversations", () => {
  const talk: Transcript = {
    channel: "smtp#1", peer: "192.0.2.7:25", lines: [
      { ms: 1, dir: "S", text: "220 hi" }, { ms: 1, dir: "C", text: "RCPT TO:<ä@x.example>" }, { ms: 5, dir: "S", text: "550 5.7.1 no" },
    ],
  };
  it("finds the lines of a range of octets", () => {
    expect([...linesIn(talk, 0, 8)]).toEqual([0]);
    expect([...linesIn(talk, 32, 46)]).toEqual([2]);     // ä is two octets: 8 + 22 + 2
  });
  it("measures from our word to their answer", () => {
    expect(lanesOf([talk])[0]).toMatchObject({ from: 1, to: 5, waits: [[1, 5]], refused: [5] });
  });
  it("gives the questions to one DNS server one lane", () => {
    const dns = (n: number): Transcript => ({ channel: `dns#${n}`, peer: "127.0.0.1:53", lines: [{ ms: n, dir: "C", text: "A x" }, { ms: n + 1, dir: "S", text: "NOERROR" }] });
    expect(lanesOf([dns(1), dns(4)])).toHaveLength(1);
  });
});

describe("a run's events", () => {
  it("are taken once, whatever is sent again", () => {
    const live = empty<unknown>();
    for (let n = 0; n < 2; ++n) {
      take(live, "plan", { round: 1, ms: 0, questions: ["x"] });
      take(live, "observation", { id: "o1", kind: "dns.mx", subject: "x", value: {}, evidence: null, ms: 1 });
    }
    take(live, "line", { channel: "smtp#1", peer: "p", ms: 1, dir: "S", text: "220" });
    take(live, "line", { channel: "smtp#1", peer: "p", ms: 2, dir: "C", text: "QUIT" });
    expect([live.rounds.length, live.observations.length, live.channels.get("smtp#1")!.lines.length]).toEqual([1, 1, 2]);
  });
});

describe("an explanation", () => {
  const cause = (code: string, verdict: string, party = "sender") =>
    ({ code, verdict, party, title: code, because: [], needs: [], fix: [{ product: "any", steps: ["do it"] }] }) as any;
  const refusal = (more: Partial<Explanation>): Explanation => ({
    source: { name: "-", index: 0 }, kind: "failed", recipient: "bob@alder.example", original_recipient: null,
    reply: { code: 554, status: "5.7.1", text: "bob@alder.example Relaying denied" }, inner: null, code: 554, status: "5.7.1", reporter: null,
    decider: "mx.alder.example", phase: null, permanent: true, reason: "relay-denied", party: "sender", confidence: 1, rule: null,
    evidence: [], causes: [], ...more,
  });
  it("is open while several causes are as likely", () => {
    const f = findingOf(refusal({ causes: [cause("a", "possible"), cause("b", "possible", "recipient-admin")] }));
    expect(f).toMatchObject({ state: "open", main: null, parties: ["sender", "recipient-admin"] });
  });
  it("is open with a single cause that is no more than possible", () =>
    expect(findingOf(refusal({ causes: [cause("a", "possible")] })).state).toBe("open"));
  it("names the cause that stands out, and what would settle it", () => {
    const f = findingOf(refusal({ decider: null, causes: [{ ...cause("a", "likely"), needs: ["--user and more"] }, cause("b", "possible")] }));
    expect(f.main!.code).toBe("a");
    expect(f.add).toContain(en.needs.login);
    expect(f.add).toContain(en.explain.addBounce);
  });
  it("asks for the recipient where there is none", () =>
    expect(findingOf(refusal({ recipient: null })).add).toContain(en.explain.addRecipient));
  it("knows what is no refusal", () => {
    expect(findingOf(refusal({ kind: "not-a-bounce", reason: null })).state).toBe("note");
    expect(findingOf(refusal({ kind: "auto-reply", reason: null })).headline).toBe(en.explain.kinds["auto-reply"]![0]);
  });
  it("knows words that say nothing", () =>
    expect(findingOf(refusal({ reason: "unknown", code: null, status: null })).headline).toBe(en.explain.kinds.unreadable![0]));
  it("is passed on without names", () => {
    const e = refusal({ causes: [cause("a", "possible")] });
    expect(explanationText(e, findingOf(e))).not.toMatch(/alder|bob/);
  });
});

describe("words", () => {
  it("turn options into what the page has", () => {
    expect(needWords("--user and --password-file: one login shows whether it helps")).toBe(en.needs.login);
    expect(needWords("something new")).toBe("something new");
  });
  it("are there in both languages, key by key", () => {
    const keys = (o: object, at = ""): string[] => Object.entries(o).flatMap(([k, v]) =>
      v && typeof v === "object" ? keys(v, `${at}${k}.`) : [`${at}${k}:${typeof v}`]);
    const { titles, summaries, ...german } = de;
    const { titles: _, summaries: __, ...english } = en;
    expect(keys(german)).toEqual(keys(english));
    expect(Object.keys(summaries)).toHaveLength(3);
    const codes = readdirSync(new URL("../../../data/causes/", import.meta.url)).map((f) => f.replace(/\.toml$/, ""));
    expect(Object.keys(titles).sort()).toEqual(codes.sort());
  });
  it("say something else in German", () => {
    const texts = (o: object): string[] => Object.values(o).flatMap((v) => (typeof v === "string" ? [v] : v && typeof v === "object" ? texts(v) : []));
    const same = texts({ ...de, titles: {}, summaries: {} }).filter((s, i) => s === texts(en)[i] && s.length > 12);
    expect(same).toEqual(["550 5.7.1 … Relay access denied"]);
  });
  it("follow the choice, then the browser", () => {
    expect(preferred("de", ["en"])).toBe("de");
    expect(preferred(null, ["fr", "de-CH", "en"])).toBe("de");
    expect(preferred("xx", ["fr"])).toBe("en");
  });
});
