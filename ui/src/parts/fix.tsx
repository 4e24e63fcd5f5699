// SPDX-License-Identifier: Apache-2.0
// The steps: those for everybody, and those for the product that the person has.
import { useId, useState } from "preact/hooks";
import { productName } from "../lib/products";
import { recall, remember, t } from "../strings";
import type { Fix } from "../types";
import { inEnglish, Ticked } from "./words";

const KEY = "smtpdx.product";

function Steps({ fix }: { fix: Fix }) {
  return (
    <>
      <ol class="steps" {...inEnglish()}>{fix.steps.map((s, i) => <li key={i}><Ticked text={s} /></li>)}</ol>
      {fix.takes_effect ? <p class="hint">{t.todo.takesEffect}: <span {...inEnglish()}>{fix.takes_effect}</span></p> : null}
    </>
  );
}

export function FixSteps({ fixes }: { fixes: Fix[] }) {
  const id = useId();
  const [product, set] = useState(recall(KEY) ?? "");
  const general = fixes.find((f) => f.product === "any");
  const special = fixes.filter((f) => f.product !== "any");
  const chosen = special.find((f) => f.product === product) ?? (!general && special.length === 1 ? special[0] : undefined);
  const choose = (value: string) => { set(value); remember(KEY, value); };
  if (!fixes.length) return <p>{t.todo.none}</p>;
  return (
    <div class="fix">
      {general ? <Steps fix={general} /> : null}
      {special.length ? (
        <div class="product">
          <label for={id}>{t.todo.product}</label>{" "}
          <select id={id} value={chosen?.product ?? ""} onChange={(e) => choose(e.currentTarget.value)}>
            <option value="">{t.todo.choose}</option>
            {special.map((f) => <option key={f.product} value={f.product}>{productName(f.product)}</option>)}
          </select>
        </div>
      ) : null}
      <div aria-live="polite">{chosen ? <Steps fix={chosen} /> : null}</div>
    </div>
  );
}
