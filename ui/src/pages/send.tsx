// SPDX-License-Identifier: Apache-2.0
// "My app or printer cannot send": the device's settings and its error, tried step by step.
import { useState } from "preact/hooks";
import { Prove } from "../parts/prove";
import { usePage } from "../router";
import { t } from "../strings";
import type { Meta } from "../types";

export function SendPage({ meta }: { meta: Meta }) {
  usePage(t.send.page);
  const [error, set] = useState("");
  return (
    <>
      <h1>{t.send.title}</h1>
      <p class="lead">{t.send.lead}</p>
      <section class="panel">
        <div class="field">
          <label for="send-error">{t.send.error}</label>
          <textarea id="send-error" rows={3} value={error} spellcheck={false} aria-describedby="send-error-hint"
            onInput={(e) => set(e.currentTarget.value)} />
          <p class="hint" id="send-error-hint">{t.send.errorHint}</p>
        </div>
        <Prove known={{ text: error.trim() || undefined }} meta={meta} own need={["server", "to"]} button={t.prove.start} />
      </section>
    </>
  );
}
