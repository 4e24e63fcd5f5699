// SPDX-License-Identifier: Apache-2.0
// The program names what it lacks by its options; on the page the same things are fields, or belong to the command line.
import { t } from "../strings";

export function needWords(needs: string): string {
  if (needs.startsWith("--user")) return t.needs.login;
  if (needs.startsWith("--config")) return t.needs.config;
  if (needs.startsWith("--source") || needs.startsWith("a second --source")) return t.needs.source;
  if (needs.startsWith("--trace-csv")) return t.needs.trace;
  return t.needs.consent[needs] ?? needs;
}

/** Whether the page itself can take what is lacking. */
export const needsLogin = (needs: string | null | undefined): boolean => !!needs && needs.startsWith("--user");
