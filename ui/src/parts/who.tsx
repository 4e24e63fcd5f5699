// SPDX-License-Identifier: Apache-2.0
import { t } from "../strings";

/** The reader's own job, or nobody's: there is nobody to write a letter to. */
export const OWN_JOB = ["sender", "device-owner", "wait", "nobody"];

export const partyWords = (party: string | null | undefined) => t.who.parties[party ?? "unknown"] ?? t.who.parties.unknown!;

/** Whose job it is; where that is open, everybody whose job it could be. */
export function Who({ parties }: { parties: string[] }) {
  const all = [...new Set(parties.filter(Boolean))];
  if (!all.length) all.push("unknown");
  return (
    <div class="who">
      <h2>{t.who.title}</h2>
      {all.length === 1 ? (
        <>
          <p class="job">{partyWords(all[0])}</p>
          {t.who.help[all[0]!] ? <p class="hint">{t.who.help[all[0]!]}</p> : null}
        </>
      ) : (
        <>
          <p class="job">{t.who.open}</p>
          <ul>{all.slice(0, 4).map((p) => <li key={p}>{partyWords(p)}</li>)}</ul>
        </>
      )}
    </div>
  );
}
