// SPDX-License-Identifier: Apache-2.0
// Names taken out for passing on: every address, host and IP becomes a placeholder, the same one each time. Names are
// learned from what mail and servers said; they are then replaced wherever they stand, also in our own sentences.

const ADDRESS = /[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]+@(?:[\p{L}\p{N}_](?:[\p{L}\p{N}_-]*[\p{L}\p{N}])?\.)+[\p{L}][\p{L}\p{N}-]*[\p{L}\p{N}]/gu;
const HOST = /(?<![\p{L}\p{N}_@.-])(?:[\p{L}\p{N}_](?:[\p{L}\p{N}_-]*[\p{L}\p{N}])?\.)+[\p{L}][\p{L}\p{N}-]*[\p{L}\p{N}](?![\p{L}\p{N}_-])/gu;
const V4 = /(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.]*\d)/g;
const V6 = /(?<![\p{L}\p{N}:.])(?:[0-9a-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{1,4}|:)(?![\p{L}\p{N}:])/giu;

const escape = (s: string) => s.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

export class Redactor {
  private names = new Map<string, string>();      // lower case → placeholder
  private count: Record<string, number> = {};
  private pattern: RegExp | null = null;

  private give(kind: string, name: string, make: (n: number) => string): string {
    const key = name.toLowerCase();
    let word = this.names.get(key);
    if (!word) {
      word = make(this.count[kind] = (this.count[kind] ?? 0) + 1);
      this.names.set(key, word);
      this.pattern = null;
    }
    return word;
  }

  private domain(name: string): string { return this.give("host", name, (n) => `host${n}.example`); }

  private address(name: string) {
    const at = name.lastIndexOf("@");
    const local = name.slice(0, at), domain = this.domain(name.slice(at + 1));
    if (/^postmaster$/i.test(local)) return void this.give("address", name, () => `postmaster@${domain}`);
    this.give("address", name, (n) => `user${n}@${domain}`);
  }

  /** Learns the names in `text`, which comes from a mail or a server. */
  learn(text: string | null | undefined) {
    if (!text) return;
    for (const m of text.matchAll(ADDRESS)) this.address(m[0]);
    const rest = text.replace(ADDRESS, " ");
    for (const m of rest.matchAll(V6)) if (m[0].includes("::") || m[0].split(":").length === 8) this.give("ip", m[0], (n) => `[ip-${n}]`);
    for (const m of rest.matchAll(V4)) this.give("ip", m[0], (n) => `[ip-${n}]`);
    for (const m of rest.replace(V4, " ").matchAll(HOST)) this.domain(m[0]);
  }

  /** A name that is known to be one, whatever it looks like: an account, a bare host. */
  learnAs(kind: "host" | "account", name: string | null | undefined) {
    if (!name || name.length < 3) return;
    if (kind === "host") this.domain(name);
    else this.give("account", name, (n) => `account${n}`);
  }

  /** `text` with every name it knows replaced, longest first, and what looks like a name learned before. */
  clean(text: string): string {
    if (!this.names.size) return text;
    this.pattern ??= new RegExp(
      "(?<![\\p{L}\\p{N}_])(?:" + [...this.names.keys()].sort((a, b) => b.length - a.length).map(escape).join("|") + ")(?![\\p{L}\\p{N}_])", "giu");
    return text.replace(this.pattern, (m) => this.names.get(m.toLowerCase()) ?? m);
  }
}
