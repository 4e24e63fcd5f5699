// SPDX-License-Identifier: Apache-2.0
// A run as it happens: the program's events gathered into what the page shows. Events come by the hundred, so the page is
// drawn at most once a frame.
import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import type { Line, Observation, Problem, Run, RunStatus, Transcript } from "../types";

export interface Live<Result> {
  run: Run<Result> | null;
  rounds: { round: number; ms: number; questions: string[] }[];
  observations: Observation[];
  channels: Map<string, Transcript>;
  result: Result | null;
  ended: { status: RunStatus; problem: Problem | null } | null;
  failure: unknown;
}

export const empty = <R>(): Live<R> => ({ run: null, rounds: [], observations: [], channels: new Map(), result: null, ended: null, failure: null });

/** One event taken in. Those of a replay come twice at times (a lost connection): observations by their id only once. */
export function take<R>(live: Live<R>, type: string, data: any) {
  if (type === "plan") {
    if (!live.rounds.some((r) => r.round === data.round)) live.rounds.push(data);
  } else if (type === "observation") {
    if (!live.observations.some((o) => o.id === data.id)) live.observations.push(data);
  } else if (type === "line") {
    let channel = live.channels.get(data.channel);
    if (!channel) live.channels.set(data.channel, channel = { channel: data.channel, peer: data.peer, lines: [] });
    channel.lines.push({ ms: data.ms, dir: data.dir, text: data.text } as Line);
  } else if (type === "verdict") live.result = data;
  else if (type === "end") live.ended = data;
}

export function useRun<R>(kind: "diagnoses" | "relay-tests", id: string, fetchRun: (id: string) => Promise<Run<R>>): Live<R> {
  const state = useRef<Live<R>>(empty<R>());
  const [, draw] = useState(0);
  useEffect(() => {
    const live = (state.current = empty<R>());
    let frame = 0, over = false, source: EventSource | null = null;
    const soon = () => { if (!frame && !over) frame = requestAnimationFrame(() => { frame = 0; draw((n) => n + 1); }); };
    const look = () => fetchRun(id).then((run) => {
      live.run = run;
      if (run.result) live.result = run.result;
      if (run.status === "done" || run.status === "failed" || run.status === "cancelled") live.ended ??= { status: run.status, problem: run.problem };
      soon();
    }, (e) => { live.failure = e; source?.close(); soon(); });
    const listen = () => {
      source = api.eventsOf(kind, id);
      let last = "";
      for (const type of ["plan", "observation", "line", "verdict", "end"]) {
        source.addEventListener(type, (event) => {
          const message = event as MessageEvent<string>;
          // The browser asks for the rest after a lost connection; a server that began anew must not double anything.
          if (message.lastEventId && last && Number(message.lastEventId) <= Number(last)) return;
          last = message.lastEventId || last;
          take(live, type, JSON.parse(message.data));
          if (type === "end") { source?.close(); void look(); }
          soon();
        });
      }
      source.onerror = () => { if (source?.readyState === EventSource.CLOSED && !live.ended) void look(); };
    };
    // What was kept from an earlier start has a result, but no events any more.
    void look().then(() => { if (!over && !live.failure && !(live.result && live.run?.saved)) listen(); });
    return () => { over = true; cancelAnimationFrame(frame); source?.close(); };
  }, [kind, id]);
  return state.current;
}
