// SPDX-License-Identifier: Apache-2.0
// Round trips out of a conversation's lines: from our word to their answer.
import type { Transcript } from "../types";

export interface Lane { channel: string; peer: string; from: number; to: number; talks: number; waits: [number, number][]; refused: number[] }

export const refuses = (text: string, channel: string): boolean => /^(smtp|lmtp)/.test(channel) && /^[45]\d\d[ -]/.test(text);

/** One lane a conversation; the many single questions to one DNS server share a lane. */
export function lanesOf(transcripts: Transcript[]): Lane[] {
  const lanes = new Map<string, Lane>();
  for (const c of transcripts) {
    if (!c.lines.length) continue;
    const dns = c.channel.startsWith("dns");
    const key = dns ? `dns ${c.peer}` : c.channel;
    const start = c.lines[0]!.ms;
    const lane = lanes.get(key) ?? { channel: dns ? "dns" : c.channel, peer: c.peer, from: start, to: start, talks: 0, waits: [], refused: [] };
    lanes.set(key, lane);
    ++lane.talks;
    let asked: number | null = null;
    for (const line of c.lines) {
      lane.from = Math.min(lane.from, line.ms);
      lane.to = Math.max(lane.to, line.ms);
      if (line.dir === "C") asked ??= line.ms;
      else if (line.dir === "S") {
        if (asked !== null) lane.waits.push([asked, line.ms]);
        asked = null;
        if (refuses(line.text, c.channel)) lane.refused.push(line.ms);
      }
    }
  }
  return [...lanes.values()].sort((a, b) => a.from - b.from);
}

/** The lines that `from`..`to` of a channel covers: octets as said, each line with its end. */
export function linesIn(c: Transcript, from: number, to: number): Set<number> {
  const found = new Set<number>();
  const encoder = new TextEncoder();
  let at = 0;
  c.lines.forEach((line, i) => {
    const end = at + encoder.encode(line.text).length + 2;
    if (at < to && end > from) found.add(i);
    at = end;
  });
  return found;
}
