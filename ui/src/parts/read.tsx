// SPDX-License-Identifier: Apache-2.0
// How a refusal was read: whose words, by whom, at which step.
import { t } from "../strings";
import type { Refusal, Reply } from "../types";

export function replyWords(r: Reply | null | undefined): string {
  if (!r) return "";
  const text = r.text ?? "";
  const status = r.status && !text.startsWith(r.status) ? r.status : null;
  return [r.code, status, text].filter(Boolean).join(" ");
}

export function HowRead({ r }: { r: Partial<Refusal> }) {
  const rows: [string, string | null | undefined, boolean][] = [
    [t.why.refused, replyWords(r.inner ?? r.reply), true],
    [t.why.wrapped, r.inner ? replyWords(r.reply) : null, true],
    [t.why.by, r.decider, true],
    [t.why.reporter, r.reporter, true],
    [t.why.recipient, r.recipient, true],
    [t.why.phase, r.phase ? t.why.phases[r.phase] ?? r.phase : null, false],
    [t.why.lasting, r.permanent === true ? t.why.permanent : r.permanent === false ? t.why.temporary : null, false],
  ];
  return (
    <dl class="facts">
      {rows.filter((row) => row[1]).map(([name, value, raw]) => (
        <div key={name}><dt>{name}</dt><dd>{raw ? <samp>{value}</samp> : value}</dd></div>
      ))}
    </dl>
  );
}
