// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { t } from "../strings";
import { Copy } from "./words";

/** Passing a result on: as text without names, or on paper. */
export function Share({ text }: { text: () => string }) {
  const [open, set] = useState(false);
  return (
    <section class="share noprint">
      <h2>{t.share.title}</h2>
      <p class="go">
        <Copy text={text} label={t.share.copy} said={t.share.copied} />
        <button type="button" onClick={() => window.print()}>{t.share.print}</button>
      </p>
      <details onToggle={(e) => set(e.currentTarget.open)}>
        <summary>{t.share.preview}</summary>
        {open ? <pre class="paper" tabIndex={0} role="region" aria-label={t.share.preview}>{text()}</pre> : null}
      </details>
    </section>
  );
}
