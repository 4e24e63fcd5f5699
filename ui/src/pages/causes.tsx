// SPDX-License-Identifier: Apache-2.0
// The catalogue: a list to search, and one cause in full.
import { useEffect, useMemo, useState } from "preact/hooks";
import * as api from "../api";
import { productName } from "../lib/products";
import { FixSteps } from "../parts/fix";
import { partyWords } from "../parts/who";
import { Command, Field, inEnglish, Sorry, Ticked, Title, titleOf } from "../parts/words";
import { focusHeading, usePage } from "../router";
import { t } from "../strings";
import type { CatalogueCause } from "../types";

let kept: CatalogueCause[] | null = null;
let wanted = "";

const haystack = (c: CatalogueCause) =>
  [c.code, c.id, c.title, titleOf(c), c.who, c.reason, c.explanation, ...c.fix.map((f) => productName(f.product))].join(" ").toLowerCase();

export function Causes() {
  usePage(t.causes.page);
  const [all, setAll] = useState(kept);
  const [query, setQuery] = useState(wanted);
  const [failure, setFailure] = useState<unknown>(null);
  useEffect(() => { if (!kept) api.causes().then((list) => { kept = list; setAll(list); }, setFailure); }, []);
  const index = useMemo(() => (all ?? []).map((c) => [c, haystack(c)] as const), [all]);
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = index.filter(([, text]) => words.every((w) => text.includes(w))).map(([c]) => c);
  return (
    <>
      <h1>{t.causes.title}</h1>
      <p class="lead">{t.causes.lead}</p>
      {failure ? <Sorry failure={failure} /> : null}
      <Field id="search" type="search" label={t.causes.search} hint={t.causes.searchHint} value={query} onInput={(v) => { wanted = v; setQuery(v); }} />
      <p role="status">{all ? (found.length ? t.causes.found(found.length) : t.causes.none) : failure ? "" : t.loading}</p>
      <ul class="catalogue">
        {found.map((c) => (
          <li key={c.code}>
            <a href={`/causes/${c.code}`}><Title cause={c} /></a>
            <span class="hint"><code>{c.code}</code> · {partyWords(c.party)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Texts({ title, texts }: { title: string; texts: string[] }) {
  if (!texts.length) return null;
  return <section><h2>{title}</h2><ul {...inEnglish()}>{texts.map((s) => <li key={s}><Ticked text={s} /></li>)}</ul></section>;
}

export function OneCause({ code }: { code: string }) {
  usePage(code);
  const [c, set] = useState<CatalogueCause | null>(kept?.find((k) => k.code === code) ?? null);
  const [failure, setFailure] = useState<unknown>(null);
  useEffect(() => { if (!c) api.cause(code).then((one) => { set(one); setTimeout(focusHeading); }, setFailure); }, []);
  if (failure) return <><h1><code>{code}</code></h1><Sorry failure={failure} /><p><a href="/causes">{t.causes.back}</a></p></>;
  if (!c) return <p role="status">{t.loading}</p>;
  return (
    <article class="reading">
      <p class="badge"><code>{c.code}</code></p>
      <h1><Title cause={c} /></h1>
      <p {...inEnglish()}>{c.explanation}</p>
      <div class="who"><h2>{t.causes.who}</h2><p class="job" {...inEnglish()}>{c.who}</p></div>
      <section><h2>{t.causes.fix}</h2><FixSteps fixes={c.fix} /></section>
      <Texts title={t.causes.proofs} texts={c.proofs.map((p) => p.text)} />
      {c.unprovable ? <Texts title={t.causes.unprovable} texts={[c.unprovable]} /> : null}
      <Texts title={t.causes.necessary} texts={c.necessary} />
      <Texts title={t.causes.saysNothing} texts={c.says_nothing} />
      <Texts title={t.causes.tests} texts={c.tests.map((x) => x.text)} />
      {c.rivals.length ? (
        <section>
          <h2>{t.causes.rivals}</h2>
          <ul>{c.rivals.map((r) => <li key={r.code}><a href={`/causes/${r.code}`}><code>{r.code}</code></a> <span {...inEnglish()}>{r.apart}</span></li>)}</ul>
        </section>
      ) : null}
      {c.confirm ? <section><h2>{t.causes.confirm}</h2><Command text={c.confirm} /><p class="hint" {...inEnglish()}>{c.confirm_shows}</p></section> : null}
      <p class="noprint"><a href="/causes">{t.causes.back}</a></p>
    </article>
  );
}
