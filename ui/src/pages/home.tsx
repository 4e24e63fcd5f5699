// SPDX-License-Identifier: Apache-2.0
// One box and a few doors.
import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { dropped, guess, isOutlookFile, typed, type Input } from "../lib/input";
import { begin } from "../lib/session";
import { Sorry } from "../parts/words";
import { navigate, usePage } from "../router";
import { t } from "../strings";
import type { Meta } from "../types";

function open(input: Input) {
  begin(input);
  navigate("/explain");
}

/** An address or a domain is a question, anything else somebody's words. */
function take(text: string) {
  const what = guess(text);
  if (what.kind === "address") navigate(`/address/${encodeURIComponent(what.address)}`);
  else if (what.kind === "domain") navigate(`/address/${encodeURIComponent(what.domain)}`);
  else open(typed(text));
}

function Door({ words, href, onPress }: { words: string[]; href?: string; onPress?: () => void }) {
  const inside = <><strong>{words[0]}</strong><span>{words[1]}</span></>;
  return <li>{href ? <a class="door" href={href}>{inside}</a> : <button type="button" class="door" onClick={onPress}>{inside}</button>}</li>;
}

export function Home({ meta }: { meta: Meta }) {
  usePage("");
  const box = useRef<HTMLTextAreaElement>(null);
  const file = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState("");
  const [over, setOver] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  useEffect(() => { if (matchMedia("(pointer: fine)").matches) box.current?.focus({ preventScroll: true }); }, []);

  const openFile = async (given: File) => {
    const input = await dropped(given);
    if (isOutlookFile(input)) return setProblem(t.home.msg);
    open(input);
  };
  const submit = (event?: Event) => {
    event?.preventDefault();
    const text = box.current?.value ?? "";
    if (text.trim()) return take(text);
    setProblem(t.home.empty);
    box.current?.focus();
  };
  const pasted = (event: ClipboardEvent) => {
    const files = event.clipboardData?.files;
    if (files?.length) {
      event.preventDefault();
      void openFile(files[0]!);
    } else if (!box.current?.value.trim()) {
      // Nothing stood there before: what was pasted is all there is, and waiting for a press would only cost time.
      setTimeout(() => { if (box.current?.value.trim()) take(box.current.value); });
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const given = event.dataTransfer?.files[0];
    const text = event.dataTransfer?.getData("text/plain");
    if (given) void openFile(given);
    else if (text) take(text);
  };
  const key = (event: KeyboardEvent) => {
    const line = box.current?.value ?? "";
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey || (!event.shiftKey && line.trim() && !line.includes("\n")))) submit(event);
  };
  const demo = async () => {
    setBusy(true);
    setFailure(null);
    try { navigate(`/diagnoses/${await api.diagnose({ demo: true })}`); } catch (e) { setFailure(e); setBusy(false); }
  };
  const has = (room: string) => meta.rooms.includes(room);
  return (
    <div class="home">
      <h1>{t.home.title}</h1>
      <p class="lead">{t.home.lead}</p>
      <form onSubmit={submit} noValidate class={over ? "box over" : "box"} onDragOver={(e) => { e.preventDefault(); setOver(true); }}
        onDragLeave={() => setOver(false)} onDrop={drop}>
        <label for="box">{t.home.label}</label>
        <textarea id="box" ref={box} rows={7} placeholder={t.home.placeholder} spellcheck={false} autocapitalize="off" autocomplete="off"
          aria-describedby={problem ? "box-error" : "box-note"} onPaste={pasted} onKeyDown={key} onInput={() => setProblem("")} />
        {problem ? <p class="error" id="box-error" role="alert">{problem}</p> : null}
        <p class="go">
          <button class="primary">{t.home.button}</button>
          <button type="button" class="plain" onClick={() => file.current?.click()}>{over ? t.home.drop : t.home.file}</button>
          {meta.demo ? <button type="button" class="plain" onClick={demo} disabled={busy} title={t.home.demoText}>{t.home.demo}</button> : null}
          <input ref={file} type="file" class="away" tabIndex={-1} aria-hidden="true" accept=".eml,.txt,.mbox,.log,message/rfc822,text/*"
            onChange={(e) => { const f = e.currentTarget.files?.[0]; if (f) void openFile(f); }} />
        </p>
        <p class="hint" id="box-note">{t.home.privacy}</p>
      </form>
      {failure ? <Sorry failure={failure} /> : null}
      {meta.rooms.length ? (
        <section aria-labelledby="doors">
          <h2 id="doors">{t.home.doors}</h2>
          <ul class="doors">
            <Door words={t.home.bounced} onPress={() => box.current?.focus()} />
            {has("diagnose") ? <Door words={t.home.send} href="/send" /> : null}
            {has("check") ? <Door words={t.home.domain} href="/check" /> : null}
            {has("relay") ? <Door words={t.home.relay} href="/relay" /> : null}
          </ul>
        </section>
      ) : null}
    </div>
  );
}
