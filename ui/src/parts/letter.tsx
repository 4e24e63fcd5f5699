// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { language, t } from "../strings";
import { Copy, Sorry } from "./words";

interface Wish { text: string; index: number; names: api.Names; languages: string[]; ready?: Record<string, string>; open?: boolean }

/** Written by the program on request, in a language of the reader's. */
export function Letter({ text, index, names, languages, ready, open: first = false }: Wish) {
  const [lang, setLang] = useState(languages.includes(language) ? language : languages[0] ?? "en");
  const [letter, setLetter] = useState<string | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [open, setOpen] = useState(first);
  const round = useRef(0);
  useEffect(() => {
    if (!open) return;
    const mine = ++round.current;
    // A diagnosis writes better letters than the words alone, because it knows more.
    if (ready?.[lang]) return setLetter(ready[lang]);
    api.letters(text, lang, names).then(
      (all) => { if (mine === round.current) { setLetter((all.find((l) => l.index === index) ?? all[0])?.text ?? ""); setFailure(null); } },
      (e) => { if (mine === round.current) setFailure(e); });
  }, [open, lang, text, index]);
  return (
    <details class="letter" open={first} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>{t.letter.title}</summary>
      <div class="field inline">
        <label for="letter-language">{t.letter.language}</label>
        <select id="letter-language" value={lang} onChange={(e) => setLang(e.currentTarget.value)}>
          {languages.map((l) => <option key={l} value={l}>{t.letter.languages[l] ?? l}</option>)}
        </select>
      </div>
      {failure ? <Sorry failure={failure} /> : letter === null ? <p role="status">{t.loading}</p>
        : letter === "" ? <p>{t.letter.none}</p> : (
          <>
            <pre class="paper" lang={lang} tabIndex={0} role="region" aria-label={t.letter.text}>{letter}</pre>
            <Copy text={() => letter} label={t.letter.copy} />
          </>
        )}
    </details>
  );
}
