// SPDX-License-Identifier: Apache-2.0
// What the person gave, and what kind of thing it is. The octets are kept, because the program's evidence counts octets.

export interface Input {
  bytes: Uint8Array;
  text: string | null;   // null: a file, sent as it is
  name: string;
}

const wellFormed = (s: string) => (s as any).toWellFormed?.() ?? s;

export function typed(text: string): Input {
  const clean = wellFormed(text);
  return { bytes: new TextEncoder().encode(clean), text: clean, name: "" };
}

export async function dropped(file: File): Promise<Input> {
  return { bytes: new Uint8Array(await file.arrayBuffer()), text: null, name: file.name };
}

const OLE = [0xd0, 0xcf, 0x11, 0xe0];

/** Outlook's own container, which holds no message as it was sent. */
export const isOutlookFile = (input: Input): boolean => OLE.every((octet, i) => input.bytes[i] === octet);

/** The whole input as text; where it is not UTF-8, with replacement characters. */
export const textOf = (input: Input): string => input.text ?? new TextDecoder().decode(input.bytes);

export type Guess = { kind: "words" } | { kind: "address"; address: string } | { kind: "domain"; domain: string };

const ADDRESS = /^<?([^\s@<>"]+@[^\s@<>"]+\.[^\s@<>".]{2,})>?$/u;
const DOMAIN = /^(?=.{3,253}$)([\p{L}\p{N}_](?:[\p{L}\p{N}_-]*[\p{L}\p{N}])?\.)+[\p{L}][\p{L}\p{N}-]+\.?$/u;

/** An address or a domain alone is a question about them; everything else is somebody's words. */
export function guess(text: string): Guess {
  const line = text.trim();
  const address = ADDRESS.exec(line);
  if (address) return { kind: "address", address: address[1]! };
  if (DOMAIN.test(line)) return { kind: "domain", domain: line.replace(/\.$/, "") };
  return { kind: "words" };
}
