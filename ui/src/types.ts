// SPDX-License-Identifier: Apache-2.0
// The program's documents, as far as the page reads them. Keys are permanent; unknown ones are ignored.

export interface Reply { code: number | null; status: string | null; text: string }
export interface Fix { product: string; steps: string[]; takes_effect?: string }

/** `offset` and `length` count octets of the input. */
export interface Span { what: string; offset: number; length: number; text: string }

export type VerdictWord = "proved" | "likely" | "possible";

export interface Cause {
  code: string;
  verdict: VerdictWord;
  proof?: "flip" | "statement" | "record";
  party: string;
  title: string;
  because: string[];        // explain: sentences; diagnosis: ids of observations
  reasons?: string[];       // diagnosis only
  rivals?: string[];
  needs?: string | string[];
  fix: Fix[];
  confirm?: string;
}

export interface Refusal {
  source: { name: string; index: number };
  kind: string;
  recipient: string | null;
  original_recipient: string | null;
  reply: Reply | null;
  inner: Reply | null;
  code: number | null;
  status: string | null;
  reporter: string | null;
  decider: string | null;
  phase: string | null;
  permanent: boolean | null;
  reason: string | null;
  party: string | null;
  confidence: number;
  rule: string | null;
  evidence: Span[];
}

export interface Explanation extends Refusal { causes: Cause[] }

export interface Observation {
  id: string;
  kind: string;
  subject: string;
  value: any;
  evidence: { channel: string; from: number; to: number } | null;
  ms: number;
}

export interface Line { ms: number; dir: string; text: string }
export interface Transcript { channel: string; peer: string; lines: Line[] }

export interface Ruled { code: string; because: string[]; reasons?: string[] }
export interface Untested { code: string; needs: string; side: string }

export interface Diagnosis {
  verdict: "problem" | "no-problem" | "inconclusive";
  summary: string;
  refusal?: Partial<Refusal> | null;
  causes: Cause[];
  ruled_out: Ruled[];
  untested: Untested[];
  next: string | null;
  observations: Observation[];
  transcripts: Transcript[];
  elapsed_ms: number;
  letters?: Record<string, string>;   // by language, to the one who can fix it
}

export interface Problem { type?: string; title: string; status?: number; detail?: string; hint?: string; login?: string }

export type RunStatus = "queued" | "running" | "done" | "failed" | "cancelled";

export interface Run<Result> {
  id: string;
  kind: string;
  status: RunStatus;
  created_at: string;
  saved: boolean;
  request: Record<string, any>;
  input: string | null;
  result: Result | null;
  problem: Problem | null;
}

export interface RelayRow {
  factor: string;
  value: string;
  server: string;
  tls: string;
  mail_from: string;
  rcpt_to: string;
  helo: string;
  user: string | null;
  outcome: "accepted" | "refused" | "deferred" | "failed";
  phase: string;
  reply: string | null;
  flips: boolean;
}

export interface RelayMatrix {
  host: string;
  permitted: boolean | null;
  steady: boolean;
  rows: RelayRow[];
  not_tried: { factor: string; needs: string }[];
}

export interface Meta {
  version: string;
  languages: string[];
  rooms: string[];
  consent: { max: string };
  history: boolean;
  demo: boolean;
}

export interface CatalogueCause {
  code: string;
  id: string;
  title: string;
  party: string;
  who: string;
  explanation: string;
  reason: string;
  necessary: string[];
  says_nothing: string[];
  proofs: { kind: string; text: string }[];
  unprovable: string | null;
  tests: { consent: string; text: string }[];
  rivals: { code: string; apart: string }[];
  fix: Fix[];
  confirm: string;
  confirm_shows: string;
}

export interface HistoryItem { id: string; kind: string; title: string; status: string; created_at: string }
