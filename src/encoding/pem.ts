// SPDX-License-Identifier: Apache-2.0
import { DecodeError } from './errors.ts';
import { decodeBase64, encodeBase64 } from './text.ts';

/** One PEM block (RFC 1421 form as Go reads and writes it): headers stand between the first line and an empty one. */
export interface PemBlock {
  readonly label: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly bytes: Uint8Array;
}

const BEGIN = /^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*$/;

/** All PEM blocks of a text, in order; text between blocks is passed over as Go does. @throws DecodeError */
export function decodePem(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  const lines = text.split(/\r\n|\n/);
  for (let i = 0; i < lines.length; i++) {
    const label = BEGIN.exec(lines[i] as string)?.[1];
    if (label === undefined) continue;
    // from here on, not from the start: a text of ten thousand empty blocks must not cost their square (S23)
    let end = i + 1;
    while (end < lines.length && lines[end]?.trimEnd() !== `-----END ${label}-----`) end++;
    if (end === lines.length) throw new DecodeError(`PEM block ${label} has no end`);
    blocks.push(decodeBlock(label, lines.slice(i + 1, end)));
    i = end;
  }
  return blocks;
}

function decodeBlock(label: string, lines: readonly string[]): PemBlock {
  const headers = new Map<string, string>();
  let body = 0;
  for (; body < lines.length; body++) {
    const line = lines[body] as string;
    const colon = line.indexOf(':');
    if (colon < 0) break;
    headers.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return { label, headers, bytes: decodeBase64(lines.slice(body).join('').replace(/[ \t]/g, '')) };
}

/** A PEM block as Go writes it: `Proc-Type` first, other headers sorted, 64 columns of base64, a final newline. */
export function encodePem(block: PemBlock): string {
  const names = [...block.headers.keys()].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  const head = names.map((name) => `${name}: ${block.headers.get(name)}\n`).join('');
  const body = encodeBase64(block.bytes).replace(/.{1,64}/g, '$&\n');
  return `-----BEGIN ${block.label}-----\n${head}${head === '' ? '' : '\n'}${body}-----END ${block.label}-----\n`;
}

function rank(header: string): number {
  return header === 'Proc-Type' ? 0 : 1;
}
