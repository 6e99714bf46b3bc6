// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { AuditLine } from './records.ts';

/** What stands before the first line of all. */
export const NO_HASH = '0'.repeat(64);

/** Where a file has come to: the ID of its last entry, and the hash of its last line. */
export interface ChainHead {
  readonly position: number;
  readonly hash: string;
}

export const CHAIN_START: ChainHead = { position: 0, hash: NO_HASH };

/** A line ends in the hash of all that stands before that hash, and of the hash of the line above. */
const SEALED = /^(\{.*),"hash":"([0-9a-f]{64})"\}$/s;

/** The line for `fields`, and its hash: a change of any line above changes it. */
export function sealLine(fields: object, previous: string): { readonly line: string; readonly hash: string } {
  const text = JSON.stringify(fields).slice(0, -1);
  const hash = hashOf(text, previous);
  return { line: `${text},"hash":"${hash}"}`, hash };
}

/** The hash of a line that follows on `previous`; `undefined` if it does not. */
export function checkLine(line: string, previous: string): string | undefined {
  const [, text, hash] = SEALED.exec(line) ?? [];
  return text !== undefined && hash === hashOf(text, previous) ? hash : undefined;
}

function hashOf(text: string, previous: string): string {
  return createHash('sha256').update(`${previous}\n${text}`).digest('hex');
}

/** The first line of a file: what it goes on from, so that files can be laid end to end. */
export function headerOf({ position, hash }: ChainHead): object {
  return { audit: 'hallmark', version: 1, after: String(position), previous: hash };
}

/** An entry with its fields in the order in which they are written. */
export function fieldsOf({ id, at, actor, action, gun, detail }: AuditLine): object {
  const { name, address, requestId } = actor;
  return { id, at: at.toISOString(), action, gun, actor: name, address, requestId, detail };
}
