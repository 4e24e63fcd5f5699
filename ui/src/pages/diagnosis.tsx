// SPDX-License-Identifier: Apache-2.0
// A diagnosis while it runs, and its verdict.
import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { needsLogin, needWords } from "../lib/needs";
import { typed } from "../lib/input";
import { useRun, type Live } from "../lib/run";
import { say, toneOf } from "../lib/say";
import { diagnosisText } from "../lib/share";
import { Candidates } from "../parts/candidates";
import { FixSteps } from "../parts/fix";
import { Letter } from "../parts/letter";
import { Mail } from "../parts/mail";
import { Prove } from "../parts/prove";
import { HowRead } from "../parts/read";
import { Share } from "../parts/share";
import { showChannel, Transcripts } from "../parts/transcript";
import { Waterfall } from "../parts/waterfall";
import { OWN_JOB, Who } from "../parts/who";
import { Command, inEnglish, Sorry, Title, titleOf } from "../parts/words";
import { focusHeading, navigate, usePage } from "../router";
import { t } from "../strings";
import type { Cause, Diagnosis, Meta, Observation, Run } from "../types";

export function DiagnosisPage({ id, meta }: { id: string; meta: Meta }) {
  const live = useRun<Diagnosis>("diagnoses", id, api.diagnosis);
  usePage(live.result ? titleOfResult(live.result) : t.run.page);
  const watched = useRef(false);
  if (!live.result && !live.failure) watched.current = true;
  // The verdict takes the place of the waiting: who watched is led to it.
  useEffect(() => { if (live.result && watched.current) focusHeading(); }, [!!live.result]);

  if (live.failure) return <><h1>{t.notFound.title}</h1><Sorry failure={live.failure} /><p><a href="/">{t.notFound.home}</a></p></>;
  if (live.result) return <VerdictCard d={live.result} run={live.run} live={live} meta={meta} />;
  if (live.ended) return <Ended live={live} />;
  return <Running id={id} live={live} />;
}

function Ended({ live }: { live: Live<Diagnosis> }) {
  const stopped = live.ended!.status === "cancelled";
  const problem = live.ended!.problem;
  return (
    <>
      <h1>{stopped ? t.run.cancelled : t.run.failed}</h1>
      {problem ? <div class="sorry" role="alert"><strong>{problem.title}</strong><p>{problem.detail} {problem.hint}</p></div> : null}
      <p><a class="button" href="/">{t.explain.back}</a></p>
      <Seen observations={live.observations} />
    </>
  );
}

function Running({ id, live }: { id: string; live: Live<Diagnosis> }) {
  const questions = live.rounds.flatMap((r) => r.questions);
  const seen = live.observations.filter((o) => !o.kind.startsWith("input."));
  const cancel = async () => { try { await api.stop("diagnoses", id); } finally { navigate("/"); } };
  return (
    <>
      <h1>{live.run?.status === "queued" ? t.run.queued : t.run.running}</h1>
      <p class="lead">{t.run.runningLead}</p>
      <Progress text={questions.length ? t.run.announce(questions.length, seen.length) : t.run.waiting} />
      <p><button type="button" onClick={cancel}>{t.run.cancel}</button></p>
      <Asked live={live} />
      <Seen observations={live.observations} />
      <Waterfall transcripts={[...live.channels.values()]} />
    </>
  );
}

const CALM = 3000;

/** Seen at once, but spoken at most every few seconds: a voice cannot keep up with a server. */
function Progress({ text }: { text: string }) {
  const latest = useRef(text);
  latest.current = text;
  const [spoken, speak] = useState(text);
  useEffect(() => {
    const timer = setInterval(() => speak(latest.current), CALM);
    return () => clearInterval(timer);
  }, []);
  return <><p class="progress" aria-hidden="true">{text}</p><p class="away" role="status">{spoken}</p></>;
}

function Asked({ live }: { live: Live<Diagnosis> }) {
  if (!live.rounds.length) return null;
  return (
    <section>
      <h2>{t.run.asked}</h2>
      <ol class="rounds">
        {live.rounds.map((r) => (
          <li key={r.round}>
            <span class="hint">{t.run.round(r.round)}, {t.ms(r.ms)}</span>
            <ul {...inEnglish()}>{r.questions.map((q, i) => <li key={i}>{q}</li>)}</ul>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Seen({ observations, carried }: { observations: Observation[]; carried?: string[] }) {
  const shown = observations.filter((o) => o.kind !== "input.question");
  if (!shown.length) return null;
  return (
    <section>
      <h2>{t.run.seen}</h2>
      <ul class="seen">
        {shown.map((o) => (
          <li key={o.id} id={`seen-${o.id}`} class={toneOf(o) + (carried?.includes(o.id) ? " carried" : "")}>
            <span>{say(o)}</span>
            {o.evidence && carried ? <button type="button" class="chip noprint" onClick={() => showChannel(o.evidence!.channel)}
              aria-label={`${t.verdict.show} ${o.evidence.channel}`}>{o.evidence.channel}</button> : null}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Keep({ run }: { run: Run<Diagnosis> }) {
  const [saved, set] = useState(run.saved);
  const [failure, setFailure] = useState<unknown>(null);
  const turn = async (on: boolean) => {
    set(on);
    setFailure(null);
    try { await api.keep(run.id, on); } catch (e) { set(!on); setFailure(e); }
  };
  return (
    <div class="keep noprint">
      <label><input type="checkbox" role="switch" checked={saved} onChange={(e) => void turn(e.currentTarget.checked)} /> {t.share.keep}</label>
      <p class="hint">{t.share.keepHint}</p>
      {failure ? <Sorry failure={failure} /> : null}
    </div>
  );
}

/** The cause that the verdict rests on; null where several are merely possible. */
const decided = (d: Diagnosis): Cause | null =>
  d.verdict === "problem" && d.causes[0] && d.causes[0].verdict !== "possible" ? d.causes[0] : null;

function titleOfResult(d: Diagnosis): string {
  const cause = decided(d);
  return cause ? titleOf(cause) : t.summaries[d.summary] ?? d.summary;
}

function headline(d: Diagnosis, cause: Cause | null): { badge: string; how: string; state: string } {
  if (cause) return { badge: t.verdict[cause.verdict], how: cause.proof ? t.verdict.proof[cause.proof] ?? "" : "", state: cause.verdict };
  if (d.verdict === "no-problem") return { badge: t.verdict.noProblem, how: "", state: "good" };
  return { badge: t.verdict.inconclusive, how: "", state: "open" };
}

function VerdictCard({ d, run, live, meta }: { d: Diagnosis; run: Run<Diagnosis> | null; live: Live<Diagnosis>; meta: Meta }) {
  const cause = decided(d);
  const { badge, how, state } = headline(d, cause);
  const refusal = d.refusal && Object.keys(d.refusal).length ? d.refusal : null;
  const to = refusal?.recipient ?? run?.request?.to;
  return (
    <article class={`card ${state}`}>
      <header>
        <p class="badge">{badge}{how ? <span> {how}</span> : null}</p>
        <h1>{cause ? <Title cause={cause} /> : t.summaries[d.summary] ?? <span {...inEnglish()}>{d.summary}</span>}</h1>
        {to ? <p class="byline">{t.explain.to} <samp>{to}</samp>{refusal?.decider ? <>, {t.explain.saidBy} <samp>{refusal.decider}</samp></> : null}</p> : null}
        {run?.request?.demo ? <p class="hint">{t.run.example}</p> : null}
      </header>
      <div class="columns">
        <div class="first">
          {cause ? <Who parties={[cause.party]} /> : null}
          {cause ? <section><h2>{t.todo.title}</h2><FixSteps fixes={cause.fix} /></section> : null}
          {refusal && cause?.party === "recipient-admin" ? <LetterOf d={d} run={run} meta={meta} open /> : null}
          {cause ? <Because cause={cause} d={d} /> : null}
          <Next d={d} run={run} meta={meta} />
          {cause?.confirm ? <section><h2>{t.verdict.confirm}</h2><Command text={cause.confirm} /></section> : null}
          {refusal && cause?.party !== "recipient-admin" && !(cause && OWN_JOB.includes(cause.party)) ? <LetterOf d={d} run={run} meta={meta} /> : null}
        </div>
        <div class="second">
          {run?.input ? <MailOf input={run.input} d={d} /> : null}
          {refusal ? <section><h2>{t.why.read}</h2><HowRead r={refusal} /></section> : null}
          <Share text={() => diagnosisText(d)} />
          {run && meta.history ? <Keep run={run} /> : null}
          <p class="noprint"><a href="/">{t.explain.back}</a></p>
        </div>
      </div>
      <Rest d={d} cause={cause} live={live} />
    </article>
  );
}

function LetterOf({ d, run, meta, open }: { d: Diagnosis; run: Run<Diagnosis> | null; meta: Meta; open?: boolean }) {
  if (!run?.input) return null;
  const names = { to: d.refusal?.recipient ?? run.request?.to ?? undefined, from: run.request?.from ?? undefined };
  return <Letter text={run.input} index={0} names={names} languages={meta.languages} ready={d.letters} open={open} />;
}

function MailOf({ input, d }: { input: string; d: Diagnosis }) {
  const [bytes] = useState(() => typed(input).bytes);
  return <Mail bytes={bytes} spans={d.refusal?.evidence ?? []} />;
}

function Because({ cause, d }: { cause: Cause; d: Diagnosis }) {
  const seen = cause.because.map((id) => d.observations.find((o) => o.id === id)).filter((o): o is Observation => !!o);
  const channels = [...new Set(seen.map((o) => o.evidence?.channel).filter((c): c is string => !!c))];
  return (
    <section>
      <h2>{cause.verdict === "proved" ? t.verdict.because : t.verdict.becauseLikely}</h2>
      <ul class="because" {...inEnglish()}>{(cause.reasons ?? []).map((r) => <li key={r}>{r}</li>)}</ul>
      {channels.length ? (
        <p class="jumps noprint">
          {t.verdict.show}{" "}
          {channels.map((c) => <button key={c} type="button" class="chip" onClick={() => showChannel(c)}>{c}</button>)}
        </p>
      ) : null}
      {cause.rivals?.length ? (
        <p>{t.verdict.rivals} {cause.rivals.map((r, i) => <>{i ? ", " : ""}<a href={`/causes/${r}`}><code>{r}</code></a></>)}</p>
      ) : null}
    </section>
  );
}

/** What would settle it, and the form to add it. */
function Next({ d, run, meta }: { d: Diagnosis; run: Run<Diagnosis> | null; meta: Meta }) {
  const open = d.verdict === "inconclusive" || (d.verdict === "problem" && d.causes[0]?.verdict !== "proved");
  if (!open || !run || run.request?.demo) return null;
  const to = d.refusal?.recipient ?? run.request?.to ?? undefined;
  return (
    <section class="panel noprint">
      <h2>{t.verdict.next}</h2>
      {d.next ? <p>{needWords(d.next)}</p> : null}
      <Prove key={run.id} known={{ text: run.input ?? undefined, to, from: run.request?.from ?? undefined, server: run.request?.server ?? undefined }}
        meta={meta} own={needsLogin(d.next)} need={to ? ["to"] : []} button={t.share.again} />
    </section>
  );
}

function Rest({ d, cause, live }: { d: Diagnosis; cause: Cause | null; live: Live<Diagnosis> }) {
  const because = cause?.because ?? [];
  return (
    <div class="rest">
      <Candidates causes={d.causes.filter((c) => c !== cause)} title={t.verdict.others} />
      {d.ruled_out.length ? (
        <details class="list" open={d.ruled_out.length <= 8}>
          <summary>{t.verdict.ruledOut} ({d.ruled_out.length})</summary>
          <ul>{d.ruled_out.map((r) => <li key={r.code}><a href={`/causes/${r.code}`}><code>{r.code}</code></a> <span {...inEnglish()}>{r.reasons?.join("; ")}</span></li>)}</ul>
        </details>
      ) : null}
      {d.untested.length ? (
        <details class="list" open>
          <summary>{t.verdict.untested} ({d.untested.length})</summary>
          <ul>{d.untested.map((u) => (
            <li key={u.code}><a href={`/causes/${u.code}`}><code>{u.code}</code></a> {needWords(u.needs)} <span class="hint">({t.verdict.side[u.side] ?? u.side})</span></li>
          ))}</ul>
        </details>
      ) : null}
      <details class="list">
        <summary>{t.run.seen} ({d.observations.length})</summary>
        <Asked live={live} />
        <Seen observations={d.observations} carried={because} />
      </details>
      <Transcripts transcripts={d.transcripts} observations={d.observations} because={because} />
      <Waterfall transcripts={d.transcripts} />
    </div>
  );
}
