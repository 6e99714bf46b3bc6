// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes } from 'node:crypto';
import { encodeHex, equalBytes } from '../../encoding/index.ts';
import { KeyStoreError } from '../errors.ts';
import { wipe } from '../key-der.ts';

/** How a backup's key was split: which split it was, how many shares there are, and how many restore it. */
export interface ShareSet {
  /** Eight hex digits that tell the shares of one backup from those of another. */
  readonly set: string;
  readonly shares: number;
  readonly needed: number;
}

/** One share, as its text says. */
export interface Share extends ShareSet {
  /** From 1, for people. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

export const MAX_SHARES = 99;
const KEY_BYTES = 32;
/** Of a key of 32 bytes: one value for each, and where the polynomials were evaluated. */
const SHARE_BYTES = KEY_BYTES + 1;
const SET_BYTES = 4;
const CHECKSUM_BYTES = 4;
const VERSION = 1;
const MARK = 'HM1';
/** Crockford's base 32: no letter that reads like a digit. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const GROUP = 4;
const CHARACTERS = ((1 + SET_BYTES + 3 + SHARE_BYTES + CHECKSUM_BYTES) * 8) / 5;

/**
 * Splits a key of 32 bytes by Shamir's scheme: fewer than `needed` shares tell nothing about it. The scheme itself is
 * that of `shamir-secret-sharing`, chosen in docs/adr/0010-key-backup.md.
 */
export async function splitKey(key: Uint8Array, shares: number, needed: number): Promise<readonly Share[]> {
  const { split } = await import('shamir-secret-sharing');
  const set = encodeHex(new Uint8Array(randomBytes(SET_BYTES)));
  const parts = await split(key, shares, needed);
  return parts.map((bytes, index) => ({ set, shares, needed, number: index + 1, bytes }));
}

/** The key of which these are shares. @throws KeyStoreError `malformed` if they are too few or of different sets */
export async function combineShares(shares: readonly Share[], expected: ShareSet): Promise<Uint8Array> {
  const foreign = shares.find(({ set }) => set !== expected.set);
  if (foreign !== undefined)
    throw bad(`share ${foreign.number} belongs to another backup (${foreign.set}, not ${expected.set})`);
  const distinct = [...new Map(shares.map((share) => [share.number, share])).values()];
  if (distinct.length < expected.needed)
    throw bad(`${expected.needed} different shares are needed, and ${distinct.length} are given`);
  const { combine } = await import('shamir-secret-sharing');
  try {
    return await combine(distinct.slice(0, expected.needed).map(({ bytes }) => bytes));
  } catch (cause) {
    throw bad('these shares do not fit together', cause);
  }
}

/** The text of a share: groups that can be typed from paper, with a checksum over all of it. */
export function formatShare({ set, shares, needed, number, bytes }: Share): string {
  const head = Uint8Array.of(VERSION, ...Buffer.from(set, 'hex'), needed, shares, number);
  const body = Buffer.concat([head, bytes]);
  const text = encodeBase32(Buffer.concat([body, checksum(body)]));
  return [MARK, ...(text.match(new RegExp(`.{${GROUP}}`, 'g')) ?? [])].join('-');
}

/**
 * All shares that a text holds, be it a share alone or a printed page. Case, blanks, line ends and hyphens do not
 * matter, nor whether O was typed for 0.
 * @throws KeyStoreError `malformed` if there is none, or one that was mistyped
 */
export function findShares(text: string): readonly Share[] {
  const found = [...text.matchAll(/(?<![A-Za-z0-9])HM[1IL](?![A-Za-z0-9])/gi)].map(({ index }) =>
    characters(text.slice(index + MARK.length)),
  );
  if (found.length === 0) throw bad(`no share of a backup: one begins with ${MARK}-`);
  return found.map(decodeShare);
}

function characters(text: string): string {
  let collected = '';
  for (const char of text) {
    if (/[\s-]/.test(char)) continue;
    if (collected.length === CHARACTERS || !/[A-Za-z0-9]/.test(char)) break;
    collected += char;
  }
  return collected.toUpperCase().replaceAll('O', '0').replaceAll(/[IL]/g, '1');
}

function decodeShare(text: string): Share {
  const bytes = text.length === CHARACTERS && !/U/.test(text) ? decodeBase32(text) : undefined;
  if (bytes === undefined) throw bad('a share is cut off, or has a character that no share has');
  const body = bytes.subarray(0, -CHECKSUM_BYTES);
  if (!equalBytes(checksum(body), bytes.subarray(-CHECKSUM_BYTES)))
    throw bad('a share was mistyped: its checksum does not fit');
  const [version, ...rest] = body;
  if (version !== VERSION) throw bad('a share of a later version of this program');
  const [needed = 0, shares = 0, number = 0] = rest.slice(SET_BYTES);
  const set = encodeHex(Uint8Array.from(rest.slice(0, SET_BYTES)));
  return { set, needed, shares, number, bytes: Uint8Array.from(rest.slice(SET_BYTES + 3)) };
}

function checksum(body: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(body).digest().subarray(0, CHECKSUM_BYTES));
}

function encodeBase32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map((five) => ALPHABET[Number.parseInt(five, 2)]).join('');
}

function decodeBase32(text: string): Uint8Array {
  const bits = [...text].map((char) => ALPHABET.indexOf(char).toString(2).padStart(5, '0')).join('');
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (eight) => Number.parseInt(eight, 2));
}

function bad(message: string, cause?: unknown): KeyStoreError {
  return new KeyStoreError('malformed', message, cause === undefined ? {} : { cause });
}

/** Overwrites the secret of shares that are no longer needed (S5). */
export function wipeShares(shares: readonly Share[]): void {
  wipe(...shares.map(({ bytes }) => bytes));
}
