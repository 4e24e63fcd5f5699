// SPDX-License-Identifier: Apache-2.0
// The conversations word for word, in swaks' marks; the lines that carry the verdict are marked.
import { linesIn, refuses } from "../lib/timing";
import { t } from "../strings";
import type { Observation, Transcript } from "../types";

/** swaks' marks: ~ where the line went through TLS, * where the answer is a refusal. */
export function marked(c: Transcript): string[] {
  let tls = false;
  return c.lines.map((line) => {
    if (line.dir === "=") {
      if (/^TLS: /.test(line.text)) tls = true;
      return `=== ${line.text}`;
    }
    const dash = tls ? "~" : "-";
    if (line.dir === "C") return ` ${dash}> ${line.text}`;
    return refuses(line.text, c.channel) ? `<${dash === "-" ? "*" : "~"}* ${line.text}` : `<${dash}  ${line.text}`;
  });
}

export const idOf = (channel: string) => `channel-${channel.replace(/[^a-z0-9]+/gi, "-")}`;

/** Opens a conversation and goes there. */
export function showChannel(channel: string) {
  const folder = document.getElementById("transcripts") as HTMLDetailsElement | null;
  const one = document.getElementById(idOf(channel)) as HTMLDetailsElement | null;
  if (folder) folder.open = true;
  if (!one) return;
  one.open = true;
  one.scrollIntoView({ block: "start" });
  one.querySelector("summary")?.focus({ preventScroll: true });
}

function Conversation({ c, carried }: { c: Transcript; carried: Set<number> }) {
  return (
    <details class="conversation" id={idOf(c.channel)} open={carried.size > 0}>
      <summary><samp>{c.channel}</samp> {t.run.with} <samp>{c.peer}</samp></summary>
      <pre tabIndex={0} role="region" aria-label={`${c.channel} ${t.run.with} ${c.peer}`}>
        {marked(c).map((line, i) => carried.has(i) ? <mark key={i}>{line + "\n"}</mark> : line + "\n")}
      </pre>
    </details>
  );
}

export function Transcripts({ transcripts, observations, because }: { transcripts: Transcript[]; observations: Observation[]; because: string[] }) {
  if (!transcripts.length) return null;
  const points = observations.filter((o) => because.includes(o.id) && o.evidence).map((o) => o.evidence!);
  const carriedBy = (c: Transcript) => {
    const lines = new Set<number>();
    for (const p of points) if (p.channel === c.channel) for (const i of linesIn(c, p.from, p.to)) lines.add(i);
    return lines;
  };
  return (
    <details class="transcripts" id="transcripts">
      <summary>{t.run.transcripts} ({transcripts.length})</summary>
      <p class="hint">{t.run.marks}</p>
      {transcripts.map((c) => <Conversation key={c.channel} c={c} carried={carriedBy(c)} />)}
    </details>
  );
}
