// SPDX-License-Identifier: Apache-2.0
// The program behind the page. Every failure becomes a Failure with words to show; 401 also tells the app.
import type {
  CatalogueCause, Diagnosis, Explanation, HistoryItem, Meta, Problem, RelayMatrix, Run,
} from "./types";
import type { Input } from "./lib/input";

export class Failure extends Error {
  constructor(readonly status: number, readonly problem: Problem, readonly retryAfter: number | null = null) {
    super(problem.title);
  }
}

export type Door = "opening" | "open" | "closed" | "login";

/** What stands between this browser and the program: the printed address, or a name and password where there are accounts. */
const doorOf = (problem: Problem): Door => (problem.login === "password" ? "login" : "closed");

let lost: (door: Door) => void = () => {};
/** Called when the program no longer knows this browser. */
export function onSessionLost(call: (door: Door) => void) { lost = call; }

async function problemOf(answer: Response): Promise<Problem> {
  try {
    const body = await answer.json();
    if (body && typeof body.title === "string") return body;
  } catch { /* not a problem document: the status has to do */ }
  return { title: `HTTP ${answer.status}` };
}

const SESSION = "/v1/session";

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...init });
  } catch {
    throw new Failure(0, { title: "offline" });
  }
  if (answer.ok) return answer;
  const problem = await problemOf(answer);
  if (answer.status === 401 && path !== SESSION) lost(doorOf(problem));
  const wait = Number(answer.headers.get("Retry-After"));
  throw new Failure(answer.status, problem, wait > 0 ? wait : null);
}

const get = async <T>(path: string): Promise<T> => (await ask(path)).json();

function send(path: string, body: unknown, method = "POST"): Promise<Response> {
  return ask(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

/** The token of the address that was opened becomes a cookie, and leaves the address. */
export async function openSession(): Promise<{ door: Door; user: string }> {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    history.replaceState(history.state, "", location.pathname + location.search);
    try {
      await send(SESSION, { token });
    } catch (e) {
      // An old token is no harm where the browser still has a session.
      if (!(e instanceof Failure) || e.status === 0) throw e;
    }
  }
  try {
    return { door: "open", user: (await get<{ user: string }>(SESSION)).user };
  } catch (e) {
    if (e instanceof Failure && e.status === 401) return { door: doorOf(e.problem), user: "" };
    throw e;
  }
}

export const logIn = (user: string, password: string) => send(SESSION, { user, password });
export const logOut = () => ask(SESSION, { method: "DELETE" });

export const meta = () => get<Meta>("/v1/meta");

export interface Names { to?: string; from?: string }

export async function explain(input: Input, names: Names): Promise<Explanation[]> {
  const answer = input.text === null
    ? await ask("/v1/explain", {
      method: "POST", headers: { "Content-Type": "message/rfc822" }, body: input.bytes as Uint8Array<ArrayBuffer>,
    })
    : await send("/v1/explain", { text: input.text, ...names });
  return (await answer.json()).results;
}

export async function letters(text: string, lang: string, names: Names): Promise<{ index: number; text: string }[]> {
  return (await (await send("/v1/letters", { text, lang, ...names })).json()).letters;
}

export interface Question {
  text?: string;
  to?: string;
  from?: string;
  server?: string;
  user?: string;
  password?: string;
  helo?: string;
  client?: { tls?: string; auth?: string };
  consent?: string;
  demo?: boolean;
}

const started = async (answer: Response): Promise<string> => (await answer.json()).id;

export const diagnose = async (question: Question) => started(await send("/v1/diagnoses", question));
export const diagnosis = (id: string) => get<Run<Diagnosis>>(`/v1/diagnoses/${encodeURIComponent(id)}`);
export const relay = async (question: Record<string, string>) => started(await send("/v1/relay-tests", question));
export const relayTest = (id: string) => get<Run<RelayMatrix>>(`/v1/relay-tests/${encodeURIComponent(id)}`);
export const stop = (kind: "diagnoses" | "relay-tests", id: string) =>
  ask(`/v1/${kind}/${encodeURIComponent(id)}`, { method: "DELETE" });
export const keep = (id: string, saved: boolean) =>
  send(`/v1/diagnoses/${encodeURIComponent(id)}/saved`, { saved }, "PUT");
export const saved = (cursor: string | null) =>
  get<{ items: HistoryItem[]; next: string | null }>(
    "/v1/history?limit=20" + (cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""));
export const causes = async () => (await get<{ causes: CatalogueCause[] }>("/v1/causes")).causes;
export const cause = (code: string) => get<CatalogueCause>(`/v1/causes/${encodeURIComponent(code)}`);
export const eventsOf = (kind: "diagnoses" | "relay-tests", id: string) =>
  new EventSource(`/v1/${kind}/${encodeURIComponent(id)}/events`);
