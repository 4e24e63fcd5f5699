// SPDX-License-Identifier: Apache-2.0
// Where the time went: one lane a conversation.
import { useState } from "preact/hooks";
import { lanesOf, type Lane } from "../lib/timing";
import { t } from "../strings";
import type { Transcript } from "../types";

const FIRST = 12;
const WIDE = 1000;

function Bars({ lane, start, span }: { lane: Lane; start: number; span: number }) {
  const x = (ms: number) => ((ms - start) / span) * WIDE;
  const wide = (a: number, b: number) => Math.max(4, x(b) - x(a));
  return (
    <svg viewBox={`0 0 ${WIDE} 16`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <rect class="lane" x={Math.min(x(lane.from), WIDE - 4)} y="5" width={wide(lane.from, lane.to)} height="6" />
      {lane.waits.map(([a, b], i) => <rect key={i} class="waiting" x={Math.min(x(a), WIDE - 4)} y="3" width={wide(a, b)} height="10" />)}
      {lane.refused.map((ms, i) => <rect key={`r${i}`} class="refusal" x={Math.min(x(ms), WIDE - 5)} y="0" width="5" height="16" />)}
    </svg>
  );
}

export function Waterfall({ transcripts }: { transcripts: Transcript[] }) {
  const [all, set] = useState(false);
  const lanes = lanesOf(transcripts);
  if (!lanes.length) return null;
  const start = Math.min(...lanes.map((l) => l.from));
  const end = Math.max(...lanes.map((l) => l.to));
  const shown = all ? lanes : lanes.slice(0, FIRST);
  return (
    <section class="waterfall">
      <h2>{t.run.time}</h2>
      <p class="hint">{t.run.timeNote(t.ms(end - start))}</p>
      <div class="scroll" tabIndex={0} role="region" aria-label={t.run.time}>
        <table>
          <thead class="away"><tr><th>{t.run.channel}</th><th>{t.run.time}</th><th>{t.run.took}</th></tr></thead>
          <tbody>
            {shown.map((l) => (
              <tr key={l.channel + l.peer}>
                <th scope="row"><samp>{l.channel}</samp> <span class="peer">{l.peer}{l.talks > 1 ? ` × ${l.talks}` : ""}</span></th>
                <td class="bars"><Bars lane={l} start={start} span={Math.max(1, end - start)} /></td>
                <td class="num">{t.ms(l.to - l.from)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < lanes.length ? <button type="button" class="plain noprint" onClick={() => set(true)}>{t.more(lanes.length - shown.length)}</button> : null}
    </section>
  );
}
