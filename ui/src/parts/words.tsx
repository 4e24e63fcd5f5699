// SPDX-License-Identifier: Apache-2.0
// Small pieces of text. Everything that comes from outside is text, never markup.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Failure } from "../api";
import { language, t } from "../strings";

/** The catalogue speaks English, whatever the page does: said for screen readers. */
export const inEnglish = () => (language === "en" ? {} : { lang: "en" });

/** A cause's sentence in the page's language, else the catalogue's own. */
export const titleOf = (cause: { code: string; title: string }): string => t.titles[cause.code] ?? cause.title;

export function Title({ cause }: { cause: { code: string; title: string } }) {
  return <span {...(t.titles[cause.code] ? {} : inEnglish())}>{titleOf(cause)}</span>;
}

/** `commands` between backticks. */
export function Ticked({ text }: { text: string }) {
  return <>{text.split("`").map((part, i) => (i % 2 ? <code key={i}>{part}</code> : part))}</>;
}

export function Copy({ text, label, said }: { text: () => string; label?: string; said?: string }) {
  const [done, set] = useState(false);
  const copy = async () => {
    await toClipboard(text());
    set(true);
    setTimeout(() => set(false), 4000);
  };
  return (
    <span class="copy">
      <button type="button" onClick={copy}>{label ?? t.copy}</button>
      <span role="status">{done ? said ?? t.copied : ""}</span>
    </span>
  );
}

async function toClipboard(text: string) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // No clipboard without a secure context: the old way still works there.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "away";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

export function Command({ text }: { text: string }) {
  return (
    <div class="command">
      <pre tabIndex={0} role="group" aria-label={t.verdict.confirm}>{text}</pre>
      <Copy text={() => text} />
    </div>
  );
}

/** What to say about a failure, and what the person can do. */
export function wordsOf(failure: unknown): { title: string; text: string } {
  if (!(failure instanceof Failure)) return { title: t.errors.title, text: String(failure) };
  const { status, problem } = failure;
  if (status === 0) return { title: t.errors.title, text: t.errors.offline };
  if (status === 429) return { title: t.errors.title, text: t.errors[429](failure.retryAfter) };
  const own = (t.errors as Record<string, unknown>)[status];
  if (typeof own === "string") return { title: t.errors.title, text: own };
  return { title: problem.title || t.errors.title, text: [problem.detail, problem.hint].filter(Boolean).join(" ") || t.errors.other };
}

export function Sorry({ failure, children }: { failure: unknown; children?: ComponentChildren }) {
  const { title, text } = wordsOf(failure);
  return <div class="sorry" role="alert"><strong>{title}</strong><p>{text}</p>{children}</div>;
}

export function Field(props: {
  id: string; label: string; hint?: string; error?: string; value: string; type?: string; need?: boolean;
  autocomplete?: string; onInput: (value: string) => void;
}) {
  const { id, label, hint, error, value, type, need } = props;
  const notes = [hint ? `${id}-hint` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}{need ? <span class="need"> ({t.required})</span> : null}</label>
      <input id={id} name={id} type={(type ?? "text") as "text"} value={value} autocomplete={props.autocomplete ?? "off"} spellcheck={false}
        autocapitalize="off" aria-describedby={notes || undefined} aria-invalid={error ? true : undefined}
        onInput={(e) => props.onInput(e.currentTarget.value)} />
      {hint ? <p class="hint" id={`${id}-hint`}>{hint}</p> : null}
      {error ? <p class="error" id={`${id}-error`}>{error}</p> : null}
    </div>
  );
}
