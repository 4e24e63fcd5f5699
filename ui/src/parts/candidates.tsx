// SPDX-License-Identifier: Apache-2.0
// Causes that are still possible, each with its own steps behind it.
import { useState } from "preact/hooks";
import { needWords } from "../lib/needs";
import { t } from "../strings";
import type { Cause } from "../types";
import { FixSteps } from "./fix";
import { partyWords } from "./who";
import { Title } from "./words";

const FIRST = 5;

function Candidate({ cause }: { cause: Cause }) {
  const needs = Array.isArray(cause.needs) ? cause.needs : cause.needs ? [cause.needs] : [];
  return (
    <li>
      <details>
        <summary><Title cause={cause} /> <span class="hint">{t.candidates.act} {partyWords(cause.party)}</span></summary>
        {needs.length ? <p>{t.candidates.settle} {needs.map(needWords).join("; ")}</p> : null}
        <FixSteps fixes={cause.fix} />
        <p><a href={`/causes/${cause.code}`}>{t.candidates.about} <code>{cause.code}</code></a></p>
      </details>
    </li>
  );
}

export function Candidates({ causes, title }: { causes: Cause[]; title: string }) {
  const [all, set] = useState(false);
  if (!causes.length) return null;
  const shown = all ? causes : causes.slice(0, FIRST);
  return (
    <section>
      <h2>{title}</h2>
      <ul class="candidates">{shown.map((c) => <Candidate key={c.code} cause={c} />)}</ul>
      {shown.length < causes.length
        ? <button type="button" class="plain" onClick={() => set(true)}>{t.more(causes.length - shown.length)}</button> : null}
    </section>
  );
}
