// SPDX-License-Identifier: Apache-2.0
// An explanation brought to what a person asks first: is it settled, what is it, whose job is it, what is missing.
import { t } from "../strings";
import type { Cause, Explanation } from "../types";
import { needWords } from "./needs";

export interface Finding {
  state: "likely" | "open" | "note";
  badge: string;
  headline: string;
  english: boolean;         // the headline is the catalogue's
  lead: string;
  parties: string[];
  main: Cause | null;       // its steps are shown at once
  others: Cause[];
  add: string[];
}

/** Words without a code, a known phrase or a cause are a refusal only because somebody pasted them here. */
const saysNothing = (e: Explanation): boolean => e.reason === "unknown" && e.code === null && e.status === null && !e.causes.length;

export const isRefusal = (e: Explanation): boolean =>
  e.reason !== null && (e.kind === "failed" || e.kind === "delayed") && !saysNothing(e);

/** One cause stands out: it is more than possible and the next one is less, or nothing else is possible. */
function standsOut(causes: Cause[]): Cause | null {
  const [first, second] = causes;
  if (!first) return null;
  if (first.verdict !== "possible" && (!second || second.verdict !== first.verdict)) return first;
  return null;
}

/** Refusals that only one's own outgoing server speaks: there the question is about it, not about the recipient. */
export const ownServer = (e: Explanation): boolean => ["auth-required", "auth-failed", "send-as-denied"].includes(e.reason ?? "");

const list = (needs: Cause["needs"]): string[] => (Array.isArray(needs) ? needs : needs ? [needs] : []);

/** What would help the servers' answers along: without a recipient or a speaker nobody can be asked. */
function missing(e: Explanation, main: Cause | null): string[] {
  const out: string[] = [];
  if (ownServer(e) && !e.decider) return [t.explain.addServer, t.needs.login, ...(main ? list(main.needs).map(needWords) : [])];
  if (!e.recipient) out.push(t.explain.addRecipient);
  if (!e.decider) out.push(t.explain.addBounce);
  if (e.causes.some((c) => c.code.startsWith("submit.")) && !e.decider) out.push(t.explain.addServer);
  if (main) out.push(...list(main.needs).map(needWords));
  return [...new Set(out)];
}

export function findingOf(e: Explanation): Finding {
  const base = { english: false, main: null, others: [] as Cause[], add: [] as string[] };
  if (!isRefusal(e)) {
    const kind = e.kind === "failed" ? "unreadable" : e.kind;
    const [headline, lead] = t.explain.kinds[kind] ?? t.explain.kinds["not-a-bounce"]!;
    return { ...base, state: "note", badge: t.explain.statusNote, headline, lead, parties: [] };
  }
  const main = standsOut(e.causes);
  const reason = t.reasons[e.reason!] ?? t.reasons.unknown!;
  if (main) {
    return {
      ...base, state: "likely", badge: t.explain.statusLikely, headline: t.titles[main.code] ?? main.title, english: !t.titles[main.code], lead: t.explain.likelyLead,
      parties: [main.party], main, others: e.causes.filter((c) => c !== main), add: missing(e, main),
    };
  }
  const lead = e.causes.length ? t.explain.openLead(e.causes.length) : t.advice[e.reason!] ?? t.adviceOther;
  return {
    ...base, state: "open", badge: e.causes.length ? t.explain.statusOpen : t.explain.statusSettledByWords, headline: reason, lead,
    parties: e.causes.length ? e.causes.map((c) => c.party) : [e.party ?? "unknown"], others: e.causes, add: missing(e, null),
  };
}
