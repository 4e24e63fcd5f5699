// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import { Sorry } from "../parts/words";
import { usePage } from "../router";
import { language, t } from "../strings";
import type { HistoryItem } from "../types";

const when = (iso: string) => {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : date.toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
};

export function HistoryPage() {
  usePage(t.history.page);
  const [items, setItems] = useState<HistoryItem[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const load = (cursor: string | null) => api.saved(cursor).then((page) => {
    setItems((old) => [...(cursor ? old ?? [] : []), ...page.items]);
    setNext(page.next);
  }, setFailure);
  useEffect(() => { void load(null); }, []);
  return (
    <>
      <h1>{t.history.title}</h1>
      <p class="lead">{t.history.lead}</p>
      {failure ? <Sorry failure={failure} /> : items === null ? <p role="status">{t.loading}</p> : items.length === 0 ? <p>{t.history.none}</p> : (
        <ul class="items">
          {items.map((i) => (
            <li key={i.id}>
              <a href={`/${i.kind === "diagnosis" ? "diagnoses" : "relay"}/${encodeURIComponent(i.id)}`}>{i.title || i.id}</a>{" "}
              <time class="hint" dateTime={i.created_at}>{when(i.created_at)}</time>
            </li>
          ))}
        </ul>
      )}
      {next ? <button type="button" onClick={() => void load(next)}>{t.history.more}</button> : null}
    </>
  );
}
