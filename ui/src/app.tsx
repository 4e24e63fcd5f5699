// SPDX-License-Identifier: Apache-2.0
// The frame: who may be here, which rooms there are, and the page that the path names.
import { useEffect, useState } from "preact/hooks";
import * as api from "./api";
import { Field, Sorry, wordsOf } from "./parts/words";
import { Causes, OneCause } from "./pages/causes";
import { DiagnosisPage } from "./pages/diagnosis";
import { ExplainPage } from "./pages/explain";
import { Help } from "./pages/help";
import { HistoryPage } from "./pages/history";
import { Home } from "./pages/home";
import { RelayForm, RelayPage } from "./pages/relay";
import { SendPage } from "./pages/send";
import { TargetPage } from "./pages/target";
import { usePage, usePath } from "./router";
import { language, languages, speak, t } from "./strings";
import type { Meta } from "./types";

/** What is shown until the program has told what it can do. */
const UNKNOWN: Meta = { version: "", languages: ["en"], rooms: [], consent: { max: "auth" }, history: false, demo: false };

function Routed({ path, meta }: { path: string; meta: Meta }) {
  const [, room, ...rest] = path.split("/").map(decode);
  const id = rest.join("/").replace(/\/$/, "");
  switch (room) {
    case "": return <Home meta={meta} />;
    case "explain": return <ExplainPage meta={meta} />;
    case "diagnoses": if (id) return <DiagnosisPage key={id} id={id} meta={meta} />; break;
    case "address": if (id) return <TargetPage key={id} what={id} meta={meta} />; break;
    case "send": return <SendPage meta={meta} />;
    case "relay": return id ? <RelayPage key={id} id={id} /> : <RelayForm />;
    case "causes": return id ? <OneCause key={id} code={id} /> : <Causes />;
    case "history": return <HistoryPage />;
    case "help": return <Help />;
  }
  return <NotFound />;
}

function decode(part: string): string {
  try { return decodeURIComponent(part); } catch { return part; }
}

function NotFound() {
  usePage(t.notFound.title);
  return <><h1>{t.notFound.title}</h1><p>{t.notFound.text}</p><p><a href="/">{t.notFound.home}</a></p></>;
}

function NoSession({ again }: { again: () => void }) {
  usePage(t.noSession.title);
  return (
    <div class="closed" role="alert">
      <h1>{t.noSession.title}</h1>
      <p>{t.noSession.text}</p>
      <pre>smtpdx serve{"\n"}http://127.0.0.1:8025/#token=…</pre>
      <p>{t.noSession.lost}</p>
      <p><button type="button" onClick={again}>{t.noSession.retry}</button></p>
    </div>
  );
}

function Login({ again }: { again: () => void }) {
  usePage(t.login.title);
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    setError("");
    try {
      await api.logIn(user.trim(), password);
      again();
    } catch (e) {
      setError(e instanceof api.Failure && e.status === 401 ? t.login.wrong : wordsOf(e).text);
    }
  };
  return (
    <form class="panel closed" onSubmit={submit} noValidate>
      <h1>{t.login.title}</h1>
      <Field id="user" label={t.prove.user} autocomplete="username" value={user} onInput={setUser} />
      <Field id="password" label={t.login.password} type="password" autocomplete="current-password" value={password} onInput={setPassword} />
      {error ? <p class="error" role="alert">{error}</p> : null}
      <p class="go"><button class="primary">{t.login.button}</button></p>
    </form>
  );
}

function Bar({ path, meta, user, leave, changed }: { path: string; meta: Meta; user: string; leave: () => void; changed: () => void }) {
  const pages: [string, string, boolean][] = [
    ["/send", t.nav.send, meta.rooms.includes("diagnose")],
    ["/relay", t.nav.relay, meta.rooms.includes("relay")],
    ["/causes", t.nav.causes, meta.rooms.includes("causes")],
    ["/history", t.nav.history, meta.history && meta.rooms.includes("history")],
    ["/help", t.nav.help, true],
  ];
  return (
    <header class="bar">
      <a class="brand" href="/" aria-label={`smtpdx: ${t.nav.home}`}>smtpdx</a>
      <nav aria-label={t.nav.label}>
        {pages.filter((p) => p[2]).map(([to, words]) =>
          <a key={to} href={to} aria-current={path === to ? "page" : path.startsWith(to + "/") ? "true" : undefined}>{words}</a>)}
      </nav>
      {user && user !== "local" ? <button type="button" class="plain" onClick={leave}>{t.login.out(user)}</button> : null}
      <label class="away" for="language">{t.language}</label>
      <select id="language" class="language" value={language} onChange={(e) => { speak(e.currentTarget.value); changed(); }}>
        {languages.map((l) => <option key={l.code} value={l.code} lang={l.code}>{l.name}</option>)}
      </select>
    </header>
  );
}

export function App() {
  const path = usePath();
  const [door, setDoor] = useState<api.Door>("opening");
  const [user, setUser] = useState("");
  const [meta, setMeta] = useState<Meta>(UNKNOWN);
  const [failure, setFailure] = useState<unknown>(null);
  const [, redraw] = useState(0);

  const enter = async () => {
    setFailure(null);
    try {
      const session = await api.openSession();
      setUser(session.user);
      if (session.door === "open") setMeta(await api.meta());
      setDoor(session.door);
    } catch (e) {
      if (!(e instanceof api.Failure && e.status === 401)) setFailure(e);
    }
  };
  useEffect(() => {
    api.onSessionLost((how) => { setDoor(how); setUser(""); });
    addEventListener("hashchange", () => { if (location.hash.startsWith("#token=")) void enter(); });
    void enter();
  }, []);

  return (
    <>
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.querySelector<HTMLElement>("main")?.focus(); }}>{t.skip}</a>
      <Bar path={path} meta={door === "open" ? meta : UNKNOWN} user={user} leave={() => void api.logOut().finally(enter)} changed={() => redraw((n) => n + 1)} />
      <main id="main" tabIndex={-1}>
        {failure ? <Sorry failure={failure}><button type="button" onClick={enter}>{t.noSession.retry}</button></Sorry>
          : door === "closed" ? <NoSession again={enter} /> : door === "login" ? <Login again={enter} />
            : door === "open" || path === "/" ? <Routed path={path} meta={meta} />
              : <p role="status">{t.loading}</p>}
      </main>
    </>
  );
}
