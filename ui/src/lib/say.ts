// SPDX-License-Identifier: Apache-2.0
// An observation as a sentence. Kinds that the page does not know are shown by their name.
import { t } from "../strings";
import { replyWords } from "../parts/read";
import type { Observation } from "../types";

const listed = (all: string[], max = 4) => all.slice(0, max).join(", ") + (all.length > max ? " …" : "");

function session(v: any, subject: string): string {
  const where = v.host ? `${v.host} [${subject}]` : subject;
  if (!v.connected) return t.obs.noSession(where, v.failure ?? v.broken_by ?? "");
  return t.obs.session(where, v.tls_facts?.established ? v.tls_facts.version : "");
}

const speakers: Record<string, (o: Observation, v: any) => string> = {
  "input.question": () => t.obs.question,
  "input.refusal": (o, v) => t.obs.refusal(o.subject, replyWords(v.reply)),
  "dns.mx": (o, v) => {
    const hosts = listed((v.hosts ?? []).map((h: any) => h.name));
    return ((t.obs.mx as Record<string, (d: string, h: string) => string>)[v.kind] ?? t.obs.mx.unknown)(o.subject, hosts);
  },
  "dns.address": (o, v) => v.addresses?.length ? t.obs.address(o.subject, listed(v.addresses)) : t.obs.noAddress(o.subject, v.status),
  "dns.ptr": (o, v) => v.names?.length ? t.obs.ptr(o.subject, listed(v.names)) : t.obs.noPtr(o.subject),
  "dns.authority": (o, v) => {
    const seen = new Set((v.servers ?? []).map((s: any) => [...(s.addresses ?? [])].sort().join()));
    if (!v.complete) return t.obs.authority(o.subject);
    return seen.size <= 1 ? t.obs.authoritySame(o.subject, v.servers.length) : t.obs.authorityDiffer(o.subject);
  },
  "dns.near": (o, v) => v?.length ? t.obs.near(o.subject, listed(v.map((n: any) => n.name))) : t.obs.nearNone(o.subject),
  "dns.list": (o, v) => t.obs.list(o.subject, v.address, v.status),
  "net.control": (_, v) => t.obs.control((v.port25 ?? []).filter((x: any) => x.connected).length, (v.port25 ?? []).length),
  "smtp.session": (o, v) => {
    const words = session(v, o.subject);
    return v.auth ? `${words}. ${t.obs.login(v.user ?? "", replyWords(v.auth))}` : words;
  },
  "smtp.rcpt": (o, v) => {
    const where = v.host ? `${v.host} [${o.subject}]` : o.subject;
    const to = `${v.rcpt_to}${t.obs.roles[v.role] ?? ""}`;
    const words = (t.obs.rcpt[v.outcome] ?? t.obs.rcpt.failed!)(to, where);
    const said = replyWords(v.reply) || v.trouble || "";
    return words + (v.user ? `, ${t.obs.loggedIn(v.user)}` : "") + (said ? `: ${said}` : "");
  },
};

export function say(o: Observation): string {
  try {
    return speakers[o.kind]?.(o, o.value ?? {}) ?? t.obs.other(o.kind, o.subject);
  } catch {
    return t.obs.other(o.kind, o.subject);   // a value of another shape than this page knows
  }
}

/** For the mark beside it: what the sentence is, without reading it. */
export function toneOf(o: Observation): "good" | "bad" | "other" {
  if (o.kind !== "smtp.rcpt") return "other";
  return o.value?.outcome === "accepted" ? "good" : o.value?.outcome === "refused" ? "bad" : "other";
}
