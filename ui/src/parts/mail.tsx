// SPDX-License-Identifier: Apache-2.0
// What was pasted, with the words that decided marked, and scrolled to the first of them.
import { useEffect, useMemo, useRef } from "preact/hooks";
import { pieces } from "../lib/spans";
import { t } from "../strings";
import type { Span } from "../types";

const word = (what: string) => t.evidence.what[what] ?? what.replace(/-/g, " ");

export function Mail({ bytes, spans }: { bytes: Uint8Array; spans: Span[] }) {
  const box = useRef<HTMLDivElement>(null);
  const parts = useMemo(() => pieces(bytes, spans), [bytes, spans]);
  const kinds = [...new Set(parts.flatMap((p) => p.first))];
  const go = (what: string | null, focus = false) => {
    const marks = [...(box.current?.querySelectorAll("mark") ?? [])];
    const mark = what === null ? marks[0] : marks.find((m) => m.dataset.first?.split(" ").includes(what));
    if (!mark || !box.current) return;
    box.current.scrollTop = mark.offsetTop - box.current.clientHeight / 3;
    if (focus) box.current.focus();
    for (const m of marks) m.classList.toggle("here", m === mark && focus);
  };
  useEffect(() => go(null), [parts]);
  return (
    <section class="evidence" aria-labelledby="evidence-title">
      <h2 id="evidence-title">{t.evidence.title}</h2>
      <p class="hint">{kinds.length ? t.evidence.marked : t.evidence.none}</p>
      {kinds.length > 1 ? (
        <p class="jumps noprint">
          {t.evidence.jump}{" "}
          {kinds.map((what) => <button key={what} type="button" class="chip" onClick={() => go(what, true)}>{word(what)}</button>)}
        </p>
      ) : null}
      <div class="mail" ref={box} tabIndex={0} role="region" aria-label={t.evidence.region}>
        <pre>
          {parts.map((p, i) =>
            p.omitted !== undefined ? <span key={i} class="omitted">{"\n" + t.evidence.omitted(t.bytes(p.omitted)) + "\n"}</span>
              : p.what.length ? <mark key={i} data-what={p.what.join(" ")} data-first={p.first.join(" ")}>{p.text}</mark>
                : p.text)}
        </pre>
      </div>
    </section>
  );
}
