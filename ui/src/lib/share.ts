// SPDX-License-Identifier: Apache-2.0
// A result as text for somebody else, without anybody's names.
import { t } from "../strings";
import { titleOf } from "../parts/words";
import { partyWords } from "../parts/who";
import { replyWords } from "../parts/read";
import type { Cause, Diagnosis, Explanation, Refusal } from "../types";
import type { Finding } from "./finding";
import { Redactor } from "./redact";

const MARKS: Record<string, string> = { proved: "FAIL", likely: "LIKELY", open: "OPEN", note: "INFO" };

function learnRefusal(r: Redactor, e: Partial<Refusal> | null | undefined) {
  if (!e) return;
  for (const s of [e.recipient, e.original_recipient, e.reply?.text, e.inner?.text]) r.learn(s);
  r.learnAs("host", e.decider);
  r.learnAs("host", e.reporter);
  // "orders: no such user": the local part alone names the person, too
  const local = e.recipient?.split("@")[0];
  if (local && local.length > 3 && !/^(postmaster|info|mail|sales|office|admin|user|abuse|hostmaster|webmaster)$/i.test(local))
    r.learnAs("account", local);
}

const steps = (cause: Cause): string[] =>
  (cause.fix.find((f) => f.product === "any") ?? cause.fix[0])?.steps.map((s, i) => `  ${i + 1}. ${s}`) ?? [];

function readLines(e: Partial<Refusal> | null | undefined): string[] {
  if (!e?.reply && !e?.inner) return [];
  const out = [`${t.why.refused}: ${replyWords(e.inner ?? e.reply)}`];
  if (e.decider) out.push(`${t.why.by}: ${e.decider}`);
  return out;
}

export function explanationText(e: Explanation, f: Finding): string {
  const r = new Redactor();
  learnRefusal(r, e);
  for (const s of e.evidence) r.learn(s.text);
  const lines = [`${MARKS[f.state]} ${f.headline} (${f.badge})`, `${t.who.title}: ${[...new Set(f.parties)].map(partyWords).join(` ${t.or} `)}`];
  lines.push(...readLines(e));
  if (f.main) lines.push("", `${t.todo.title}:`, ...steps(f.main));
  if (f.others.length) lines.push("", `${t.candidates.title}:`, ...f.others.slice(0, 8).map((c) => `  - ${titleOf(c)} [${c.code}]`));
  if (f.add.length) lines.push("", `${t.explain.addTitle}:`, ...f.add.map((a) => `  - ${a}`));
  return r.clean(lines.join("\n")) + "\n";
}

/** Everything that mail and servers said in a diagnosis. */
function learnDiagnosis(r: Redactor, d: Diagnosis) {
  learnRefusal(r, d.refusal);
  for (const o of d.observations) {
    r.learn(o.subject);
    if (o.value?.user) r.learnAs("account", o.value.user);
    r.learn(JSON.stringify(o.value).replace(/[",\[\]{}]/g, " "));
  }
  for (const c of d.transcripts) for (const l of c.lines) r.learn(l.text);
}

export function diagnosisText(d: Diagnosis): string {
  const r = new Redactor();
  learnDiagnosis(r, d);
  const [first, ...rest] = d.causes;
  const settled = d.verdict === "problem" && first && first.verdict !== "possible";
  const lines = [`${settled ? MARKS[first.verdict] : MARKS.open} ${settled ? titleOf(first) : t.summaries[d.summary] ?? d.summary}`];
  if (settled) {
    lines.push(`[${first.code}] ${t.verdict[first.verdict]}${first.proof ? ` ${t.verdict.proof[first.proof]}` : ""}`);
    lines.push(`${t.who.title}: ${partyWords(first.party)}`);
  }
  lines.push(...readLines(d.refusal));
  if (settled && first.reasons?.length) lines.push("", `${t.verdict.because}:`, ...first.reasons.map((s) => `  - ${s}`));
  if (settled) lines.push("", `${t.todo.title}:`, ...steps(first));
  const open = settled ? rest : d.causes;
  if (open.length) lines.push("", `${t.verdict.others}:`, ...open.slice(0, 8).map((c) => `  - ${titleOf(c)} [${c.code}]`));
  if (d.ruled_out.length) lines.push("", `${t.verdict.ruledOut}:`, ...d.ruled_out.map((c) => `  - ${c.code}: ${c.reasons?.[0] ?? ""}`));
  return r.clean(lines.join("\n")) + "\n";
}
