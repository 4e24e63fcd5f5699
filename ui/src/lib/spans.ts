// SPDX-License-Identifier: Apache-2.0
// The input cut into marked and unmarked stretches, by octets. Long inputs are shown in parts around the marks.
import type { Span } from "../types";

export interface Piece {
  text: string;
  what: string[];          // empty: not marked
  first: string[];         // kinds of evidence that begin here
  omitted?: number;        // octets left out in place of this piece
}

const NEAR = 4096;
const WHOLE = 60_000;

/** Moves a cut that would fall inside a UTF-8 sequence to that sequence's start. */
function start(bytes: Uint8Array, at: number): number {
  let i = Math.max(0, Math.min(at, bytes.length));
  for (let n = 0; n < 3 && i > 0 && i < bytes.length && (bytes[i]! & 0xc0) === 0x80; ++n) --i;
  return i;
}

/** What is shown of a long input: its beginning, and the neighbourhood of each mark. */
function windows(bytes: Uint8Array, spans: Span[]): [number, number][] {
  if (bytes.length <= WHOLE) return [[0, bytes.length]];
  const wanted: [number, number][] = [[0, NEAR]];
  for (const s of spans) wanted.push([s.offset - NEAR, Math.min(s.offset + s.length, s.offset + NEAR) + NEAR]);
  wanted.sort((a, b) => a[0] - b[0]);
  const out: [number, number][] = [];
  for (const [a, b] of wanted) {
    const from = start(bytes, a), to = start(bytes, b), last = out[out.length - 1];
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else out.push([from, to]);
  }
  return out;
}

const blank = (octet: number | undefined) => octet === 32 || octet === 9 || octet === 10 || octet === 13;

/** Without the blanks around it: a header's value begins with one, and a marked blank looks like a fault. */
function trimmed(bytes: Uint8Array, s: Span): Span {
  let from = s.offset, to = Math.min(s.offset + s.length, bytes.length);
  while (from < to && blank(bytes[from])) ++from;
  while (to > from && blank(bytes[to - 1])) --to;
  return { ...s, offset: from, length: to - from };
}

export function pieces(bytes: Uint8Array, spans: Span[]): Piece[] {
  const valid = spans.filter((s) => s.offset >= 0 && s.offset < bytes.length).map((s) => trimmed(bytes, s)).filter((s) => s.length > 0);
  const decoder = new TextDecoder();
  const out: Piece[] = [];
  let shown = 0;
  for (const [from, to] of windows(bytes, valid)) {
    if (from > shown) out.push({ text: "", what: [], first: [], omitted: from - shown });
    const cuts = new Set([from, to]);
    for (const s of valid)
      for (const at of [start(bytes, s.offset), start(bytes, s.offset + s.length)])
        if (at > from && at < to) cuts.add(at);
    const order = [...cuts].sort((a, b) => a - b);
    for (let i = 0; i + 1 < order.length; ++i) {
      const a = order[i]!, b = order[i + 1]!;
      const here = valid.filter((s) => s.offset <= a && a < s.offset + s.length);
      out.push({
        text: decoder.decode(bytes.subarray(a, b)),
        what: [...new Set(here.map((s) => s.what))],
        first: here.filter((s) => start(bytes, s.offset) === a).map((s) => s.what),
      });
    }
    shown = to;
  }
  if (shown < bytes.length) out.push({ text: "", what: [], first: [], omitted: bytes.length - shown });
  return out;
}
