// SPDX-License-Identifier: Apache-2.0
// The card: verdict, whose job, what to do; beside it the mail with the deciding words marked.
import { useEffect, useMemo, useState } from "preact/hooks";
import * as api from "../api";
import { findingOf, isRefusal, ownServer } from "../lib/finding";
import { textOf } from "../lib/input";
import { session, type Current } from "../lib/session";
import { Candidates } from "../parts/candidates";
import { FixSteps } from "../parts/fix";
import { Letter } from "../parts/letter";
import { Mail } from "../parts/mail";
import { Prove } from "../parts/prove";
import { HowRead, replyWords } from "../parts/read";
import { Share } from "../parts/share";
import { OWN_JOB, Who } from "../parts/who";
import { inEnglish, Sorry } from "../parts/words";
import { focusHeading, usePage } from "../router";
import { explanationText } from "../lib/share";
import { t } from "../strings";
import type { Explanation, Meta } from "../types";

export function ExplainPage({ meta }: { meta: Meta }) {
  usePage(t.explain.page);
  const current = session.current;
  const [results, setResults] = useState<Explanation[] | null>(current?.results ?? null);
  const [failure, setFailure] = useState<unknown>(null);
  useEffect(() => {
    if (!current || current.results) return;
    api.explain(current.input, current.names).then((all) => {
      current.results = all;
      if (session.current === current) { setResults(all); setTimeout(focusHeading); }
    }, setFailure);
  }, [current]);

  if (!current) return <><h1>{t.explain.gone}</h1><p><a href="/">{t.notFound.home}</a></p></>;
  if (failure) return <><h1>{t.errors.title}</h1><Sorry failure={failure} /><p><a href="/">{t.explain.back}</a></p></>;
  if (!results) return <p role="status" class="wait">{t.explain.reading}</p>;
  return <Results current={current} results={results} meta={meta} />;
}

function Results({ current, results, meta }: { current: Current; results: Explanation[]; meta: Meta }) {
  const [chosen, choose] = useState(current.chosen);
  const e = results[chosen] ?? results[0];
  if (!e) return <Card key="none" e={NOTHING} index={0} current={current} meta={meta} />;
  return (
    <>
      {results.length > 1 ? <Several results={results} chosen={chosen} choose={(n) => { current.chosen = n; choose(n); }} /> : null}
      <Card key={chosen} e={e} index={chosen} current={current} meta={meta} />
    </>
  );
}

const NOTHING = { kind: "unreadable", reason: null, evidence: [], causes: [] } as unknown as Explanation;

function Several({ results, chosen, choose }: { results: Explanation[]; chosen: number; choose: (n: number) => void }) {
  const name = (e: Explanation) => [e.recipient, replyWords(e.inner ?? e.reply) || e.kind].filter(Boolean).join(": ");
  return (
    <div class="several noprint">
      <label for="which">{t.explain.several(results.length)}</label>
      <select id="which" value={chosen} onChange={(e) => choose(Number(e.currentTarget.value))}>
        {results.map((e, i) => <option key={i} value={i}>{i + 1}. {name(e).slice(0, 120)}</option>)}
      </select>
    </div>
  );
}

function Card({ e, index, current, meta }: { e: Explanation; index: number; current: Current; meta: Meta }) {
  const f = findingOf(e);
  const refusal = isRefusal(e);
  const prove = refusal && meta.rooms.includes("diagnose");
  const own = ownServer(e);
  const text = useMemo(() => textOf(current.input), [current]);
  const known = { text, to: e.recipient ?? current.names.to, from: current.names.from };
  return (
    <article class={`card ${f.state}`}>
      <header>
        <p class="badge">{f.badge}</p>
        <h1 {...(f.english ? inEnglish() : {})}>{f.headline}</h1>
        {e.decider || e.recipient ? (
          <p class="byline">
            {e.recipient ? <>{t.explain.to} <samp>{e.recipient}</samp></> : null}
            {e.recipient && e.decider ? ", " : null}
            {e.decider ? <>{t.explain.saidBy} <samp>{e.decider}</samp></> : null}
          </p>
        ) : null}
        <p class="lead">{f.lead}</p>
      </header>
      <div class="columns">
        <div class="first">
          {refusal ? <Who parties={f.parties} /> : <p><a class="button" href="/">{t.explain.back}</a></p>}
          {f.main ? <section><h2>{t.todo.title}</h2><FixSteps fixes={f.main.fix} /></section> : null}
          {prove ? (
            <section class="panel noprint">
              <h2>{t.prove.title}</h2>
              {f.add.length ? (
                <div class="add">
                  <p>{t.explain.addTitle}:</p>
                  <ul>{f.add.map((a) => <li key={a}>{a}</li>)}</ul>
                </div>
              ) : <p>{t.explain.addNothing}</p>}
              <Prove known={known} meta={meta} own={own} need={own ? ["server"] : ["to"]} />
            </section>
          ) : null}
          <Candidates causes={f.others} title={f.main ? t.candidates.more : t.candidates.title} />
          {refusal && !(f.main && OWN_JOB.includes(f.main.party)) ? <Letter text={text} index={index} names={current.names} languages={meta.languages} /> : null}
        </div>
        <div class="second">
          <Mail bytes={current.input.bytes} spans={e.evidence} />
          {refusal ? (
            <section>
              <h2>{t.why.title}</h2>
              {f.main?.because.length ? <ul class="because" {...inEnglish()}>{f.main.because.map((b) => <li key={b}>{b}</li>)}</ul> : null}
              <HowRead r={e} />
            </section>
          ) : null}
          {refusal ? <Share text={() => explanationText(e, f)} /> : null}
          <p class="noprint"><a href="/">{t.explain.back}</a></p>
        </div>
      </div>
    </article>
  );
}

