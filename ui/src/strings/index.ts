// SPDX-License-Identifier: Apache-2.0
// The language: what was chosen here before, else the first of the browser's that we speak.
import { en, type Strings } from "./en";
import { de } from "./de";

const all: Record<string, Strings> = { en, de };
const KEY = "smtpdx.language";

/** null where the browser keeps nothing (private mode, forbidden): then a choice lasts as long as the page. */
export function recall(key: string): string | null {
  try { return localStorage.getItem(key); } catch { return null; }
}
export function remember(key: string, value: string) {
  try { localStorage.setItem(key, value); } catch { /* kept by the page alone */ }
}

export function preferred(stored: string | null, browser: readonly string[]): string {
  if (stored && all[stored]) return stored;
  for (const tag of browser) {
    const base = tag.toLowerCase().split("-")[0]!;
    if (all[base]) return base;
  }
  return "en";
}

export let language = preferred(recall(KEY), navigator.languages ?? []);
export let t: Strings = all[language]!;
document.documentElement.lang = language;

export const languages = Object.entries(all).map(([code, strings]) => ({ code, name: strings.name }));

export function speak(code: string) {
  const strings = all[code];
  if (!strings) return;
  language = code;
  t = strings;
  document.documentElement.lang = code;
  remember(KEY, code);
}
