// SPDX-License-Identifier: Apache-2.0
// The question to the servers: what is still missing, how far it may go, and the button.
import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { navigate } from "../router";
import { t } from "../strings";
import type { Meta } from "../types";
import { Field, Sorry } from "./words";

const ADDRESS = /^[^\s@]+@[^\s@]+$/u;
const LEVELS = ["dns", "connect", "envelope", "auth"];

export interface Known { text?: string; to?: string; from?: string; server?: string; client?: { auth?: string } }

type Errors = { to?: string; from?: string; server?: string };

interface Wish { known: Known; meta: Meta; own?: boolean; need?: ("to" | "server")[]; button?: string; id?: string }

function check(form: Record<string, string>, need: string[]): Errors {
  const errors: Errors = {};
  if (!form.to && need.includes("to")) errors.to = t.prove.needTo;
  if (form.to && !ADDRESS.test(form.to)) errors.to = t.prove.badAddress;
  if (form.from && !ADDRESS.test(form.from)) errors.from = t.prove.badAddress;
  if (!form.server && (need.includes("server") || form.user)) errors.server = t.prove.needServer;
  return errors;
}

function questionOf(known: Known, form: Record<string, string>, level: string): api.Question {
  const q: api.Question = { consent: level };
  if (known.text) q.text = known.text;
  for (const key of ["to", "from", "server", "user", "password"] as const) if (form[key]) q[key] = form[key];
  const client: { tls?: string; auth?: string } = {};
  if (form.tls) client.tls = form.tls;
  if (form.auth) client.auth = form.auth;
  if (client.tls || client.auth) q.client = client;
  return q;
}

const lines = (text: string) => text.replace(/\r\n/g, "\n").trim();

/** The run of the example, if `text` is the bounce that came out of it: no real server knows a name under .example. */
async function exampleOf(text: string | undefined, to: string | undefined): Promise<string | null> {
  if (!text || !/\.example$/i.test(to ?? "")) return null;
  const run = await api.diagnose({ demo: true });
  const { input } = await api.diagnosis(run);
  if (input && lines(input) === lines(text)) return run;
  await api.stop("diagnoses", run);
  return null;
}

export function Prove({ known, meta, own = false, need = ["to"], button, id = "prove" }: Wish) {
  const [form, set] = useState<Record<string, string>>({
    to: known.to ?? "", from: known.from ?? "", server: known.server ?? "", auth: known.client?.auth ?? "",
  });
  const [level, setLevel] = useState("");
  const [errors, setErrors] = useState<Errors>({});
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const alive = useRef(true);
  useEffect(() => () => { alive.current = false; }, []);
  const put = (key: string) => (value: string) => set((f) => ({ ...f, [key]: value }));
  const login = !!(form.user && form.password);
  const effective = level || (login ? "auth" : "envelope");
  const allowed = LEVELS.slice(0, LEVELS.indexOf(meta.consent.max) + 1 || LEVELS.length).filter((l) => l !== "auth" || login);

  const submit = async (event: Event) => {
    event.preventDefault();
    const trimmed = Object.fromEntries(Object.entries(form).map(([k, v]) => [k, k === "password" ? v : v.trim()]));
    const wrong = check(trimmed, need);
    setErrors(wrong);
    const first = Object.keys(wrong)[0];
    if (first) {
      document.getElementById(`${id}-${first}`)?.focus();
      return;
    }
    setBusy(true);
    setFailure(null);
    try {
      const run = (meta.demo && await exampleOf(known.text, trimmed.to)) || await api.diagnose(questionOf(known, trimmed, effective));
      if (alive.current) navigate(`/diagnoses/${run}`);
    } catch (e) {
      if (alive.current) { setFailure(e); setBusy(false); }
    }
  };

  const choice = (key: string, label: string, options: Record<string, string>) => (
    <div class="field">
      <label for={`${id}-${key}`}>{label}</label>
      <select id={`${id}-${key}`} value={form[key] ?? ""} onChange={(e) => put(key)(e.currentTarget.value)}>
        {Object.entries(options).map(([value, words]) => <option key={value} value={value}>{words}</option>)}
      </select>
    </div>
  );
  const server = (
    <>
      <Field id={`${id}-server`} label={t.prove.server} hint={t.prove.serverHint} value={form.server ?? ""} error={errors.server}
        need={need.includes("server")} onInput={put("server")} />
      <div class="row">
        <Field id={`${id}-user`} label={t.prove.user} value={form.user ?? ""} onInput={put("user")} />
        <Field id={`${id}-password`} label={t.prove.password} type="password" autocomplete="new-password" value={form.password ?? ""}
          onInput={put("password")} />
      </div>
      <p class="hint">{t.prove.loginHint}</p>
      <div class="row">
        {choice("tls", t.prove.clientTls, t.prove.tls)}
        {choice("auth", t.prove.clientAuth, t.prove.auth)}
      </div>
    </>
  );
  return (
    <form class="prove" onSubmit={submit} noValidate aria-label={t.prove.title}>
      {own ? server : null}
      <div class="row">
        <Field id={`${id}-to`} label={t.prove.to} hint={t.prove.toHint} value={form.to ?? ""} error={errors.to} need={need.includes("to")}
          type="email" onInput={put("to")} />
        <Field id={`${id}-from`} label={t.prove.from} hint={t.prove.fromHint} value={form.from ?? ""} error={errors.from} type="email"
          onInput={put("from")} />
      </div>
      {own ? null : (
        <details open={!!known.server || !!errors.server}>
          <summary>{t.prove.own}</summary>
          <p class="hint">{t.prove.ownHint}</p>
          {server}
        </details>
      )}
      <details>
        <summary>{t.prove.far} <span class="now">{t.prove.levels[effective]?.[0]}</span></summary>
        <fieldset>
          <legend class="away">{t.prove.far}</legend>
          {allowed.map((l) => (
            <label key={l} class="level">
              <input type="radio" name={`${id}-level`} value={l} checked={effective === l} onChange={() => setLevel(l)} />
              <span><strong>{t.prove.levels[l]![0]}</strong> {t.prove.levels[l]![1]}</span>
            </label>
          ))}
        </fieldset>
      </details>
      {failure ? <Sorry failure={failure} /> : null}
      <p class="go">
        <button class="primary" disabled={busy}>{busy ? t.prove.starting : button ?? t.prove.button}</button>
        <span class="hint">{t.prove.short}</span>
      </p>
    </form>
  );
}
