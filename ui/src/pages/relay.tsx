// SPDX-License-Identifier: Apache-2.0
// The permission matrix: one envelope, one change at a time, and the change that flips the answer.
import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { useRun } from "../lib/run";
import { Field, Sorry } from "../parts/words";
import { Transcripts } from "../parts/transcript";
import { needWords } from "../lib/needs";
import { focusHeading, navigate, usePage } from "../router";
import { t } from "../strings";
import type { RelayMatrix, RelayRow } from "../types";

let before: Record<string, string> = {};

export function RelayForm() {
  usePage(t.relay.page);
  const [form, set] = useState<Record<string, string>>(before);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const put = (key: string) => (value: string) => set((f) => ({ ...f, [key]: value }));
  const submit = async (event: Event) => {
    event.preventDefault();
    const wrong: Record<string, string> = {};
    if (!form.host?.trim()) wrong.host = t.prove.needServer;
    for (const key of ["from", "to"]) if (!/^[^\s@]+@[^\s@]+$/u.test(form[key]?.trim() ?? "")) wrong[key] = t.prove.badAddress;
    setErrors(wrong);
    const first = Object.keys(wrong)[0];
    if (first) return document.getElementById(`relay-${first}`)?.focus();
    setBusy(true);
    setFailure(null);
    const { password, ...rest } = form;
    before = rest;
    const question = Object.fromEntries(Object.entries(rest).map(([k, v]) => [k, v.trim()]).filter(([, v]) => v));
    if (password && form.user) question.password = password;
    try { navigate(`/relay/${await api.relay(question)}`); } catch (e) { setFailure(e); setBusy(false); }
  };
  const field = (key: string, label: string, more: Record<string, unknown> = {}) =>
    <Field id={`relay-${key}`} label={label} value={form[key] ?? ""} error={errors[key]} onInput={put(key)} {...more} />;
  return (
    <>
      <h1>{t.relay.title}</h1>
      <p class="lead">{t.relay.lead}</p>
      <form class="panel" onSubmit={submit} noValidate>
        {field("host", t.relay.host, { hint: t.relay.hostHint, need: true })}
        <div class="row">
          {field("from", t.relay.from, { type: "email", need: true })}
          {field("to", t.relay.to, { type: "email", need: true })}
        </div>
        <div class="row">
          {field("user", t.prove.user)}
          {field("password", t.prove.password, { type: "password", autocomplete: "new-password" })}
        </div>
        <p class="hint">{t.prove.loginHint}</p>
        {failure ? <Sorry failure={failure} /> : null}
        <p class="go"><button class="primary" disabled={busy}>{busy ? t.prove.starting : t.relay.start}</button><span class="hint">{t.prove.short}</span></p>
      </form>
    </>
  );
}

export function RelayPage({ id }: { id: string }) {
  usePage(t.relay.page);
  const live = useRun<RelayMatrix>("relay-tests", id, api.relayTest);
  const watched = useRef(false);
  if (!live.result && !live.failure) watched.current = true;
  useEffect(() => { if (live.result && watched.current) focusHeading(); }, [!!live.result]);
  if (live.failure) return <><h1>{t.notFound.title}</h1><Sorry failure={live.failure} /><p><a href="/relay">{t.relay.again}</a></p></>;
  if (live.result) return <Matrix m={live.result} />;
  if (live.ended) {
    const p = live.ended.problem;
    return <><h1>{live.ended.status === "cancelled" ? t.run.cancelled : t.run.failed}</h1>{p ? <p>{p.title}. {p.detail} {p.hint}</p> : null}<p><a href="/relay">{t.relay.again}</a></p></>;
  }
  const said = [...live.channels.values()];
  return (
    <>
      <h1>{t.relay.running}</h1>
      <p role="status" class="progress">{live.rounds.flatMap((r) => r.questions).at(-1) ?? t.run.waiting}</p>
      <p><button type="button" onClick={() => { void api.stop("relay-tests", id); navigate("/relay"); }}>{t.run.cancel}</button></p>
      <Transcripts transcripts={said} observations={[]} because={[]} />
    </>
  );
}

const factorWords = (f: string) => t.relay.factors[f] ?? f.replace(/[-_]/g, " ");

function Row({ r }: { r: RelayRow }) {
  const outcome = t.relay.outcomes[r.outcome] ?? r.outcome;
  return (
    <tr class={`${r.outcome}${r.flips ? " flips" : ""}`}>
      <th scope="row">{factorWords(r.factor)} {r.value ? <samp>{r.value}</samp> : null}</th>
      <td><span class={`mark ${r.outcome}`}>{outcome}</span>{r.flips ? <>{" "}<strong class="flip">{t.relay.flip}</strong></> : null}</td>
      <td><samp>{r.reply ?? (r.phase ? t.why.phases[r.phase] ?? r.phase : "")}</samp></td>
    </tr>
  );
}

function Matrix({ m }: { m: RelayMatrix }) {
  // What the sender can change comes first; that another recipient fares otherwise only tells what it hangs on.
  const flips = m.rows.filter((r) => r.flips).sort((a, b) => Number(a.factor === "recipient") - Number(b.factor === "recipient"));
  const title = (m.permitted === true ? t.relay.permitted : m.permitted === false ? t.relay.refused : t.relay.undecided)(m.host);
  const base = m.rows.find((r) => r.factor === "baseline");
  return (
    <article class={`card ${m.permitted ? "good" : "proved"}`}>
      <header>
        <h1>{title}</h1>
        {base ? <p class="byline"><samp>{base.mail_from || "<>"}</samp> → <samp>{base.rcpt_to}</samp></p> : null}
        {base?.reply ? <p><samp>{base.reply}</samp></p> : null}
      </header>
      {m.steady ? null : <p class="sorry">{t.relay.unsteady}</p>}
      <section>
        <p class="lead">{t.relay.flips(flips.length)}</p>
        {flips.length ? <ul class="flips">{flips.map((r, i) => <li key={i}><strong>{factorWords(r.factor)}</strong> {r.value ? <samp>{r.value}</samp> : null}: {t.relay.outcomes[r.outcome]}</li>)}</ul> : null}
      </section>
      <section>
        <h2>{t.relay.table}</h2>
        <div class="scroll" tabIndex={0} role="region" aria-label={t.relay.table}>
          <table class="matrix">
            <thead><tr><th scope="col">{t.relay.factor}</th><th scope="col">{t.relay.answer}</th><th scope="col">{t.relay.reply}</th></tr></thead>
            <tbody>{m.rows.map((r, i) => <Row key={i} r={r} />)}</tbody>
          </table>
        </div>
      </section>
      {m.not_tried.length ? (
        <section><h2>{t.relay.notTried}</h2><ul>{m.not_tried.map((n) => <li key={n.factor}>{factorWords(n.factor)}: {needWords(n.needs)}</li>)}</ul></section>
      ) : null}
      <p class="noprint"><a class="button" href="/relay">{t.relay.again}</a></p>
    </article>
  );
}
