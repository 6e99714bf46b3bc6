// SPDX-License-Identifier: Apache-2.0
import { KeyStoreError } from '../errors.ts';
import { type Cryptoki, type Handle, TokenFlag } from './cryptoki.ts';
import { asTokenError } from './token-errors.ts';
import type { TokenUri } from './token-uri.ts';

/** A token that is there and set up. */
export interface Present {
  readonly slot: Handle;
  readonly label: string;
  readonly serial: string;
}

/** The one token that a URI means. @throws KeyStoreError `token-absent`, `token-ambiguous` */
export function findSlot(cryptoki: Cryptoki, uri: TokenUri): Present {
  const present = presentTokens(cryptoki);
  const [found, ...others] = present.filter(({ matches }) => matches(uri));
  if (found !== undefined && others.length === 0) return found;
  if (found === undefined) {
    throw new KeyStoreError('token-absent', `${nameOf(uri)} is not there: ${listOf(present)}`, {
      remedy: 'insert it, or correct token= and serial= of its URI',
    });
  }
  throw new KeyStoreError('token-ambiguous', `${nameOf(uri)} means several tokens: ${listOf([found, ...others])}`, {
    remedy: 'add serial=… to the URI',
  });
}

function presentTokens(cryptoki: Cryptoki): readonly (Present & { matches: (uri: TokenUri) => boolean })[] {
  try {
    return cryptoki.C_GetSlotList(true).flatMap((slot) => describe(cryptoki, slot));
  } catch (error) {
    throw asTokenError('of this library', error);
  }
}

function describe(cryptoki: Cryptoki, slot: Handle) {
  const info = cryptoki.C_GetTokenInfo(slot);
  // a blank one has no PIN, and nothing can be kept in it
  if ((info.flags & TokenFlag.initialized) === 0) return [];
  // fixed fields, filled with blanks
  const [label, serial, model] = [info.label, info.serialNumber, info.model].map(plain) as [string, string, string];
  const matches = (uri: TokenUri): boolean =>
    (uri.token ?? label) === label &&
    (uri.serial ?? serial) === serial &&
    (uri.model ?? model) === model &&
    (uri.manufacturer ?? plain(info.manufacturerID)) === plain(info.manufacturerID) &&
    (uri.slotId === undefined || uri.slotId === slotNumber(slot));
  return [{ slot, label, serial, matches }];
}

/** A slot's number as the library counts: a machine word. */
function slotNumber(slot: Handle): number {
  return slot.length >= 8 ? Number(slot.readBigUInt64LE()) : slot.readUInt32LE();
}

function plain(text: string): string {
  return text.replace(/[\0 ]+$/, '').replace(/\p{Cc}/gu, '');
}

function nameOf({ token, serial }: TokenUri): string {
  if (token !== undefined) return `token ${JSON.stringify(token)}`;
  return serial === undefined ? 'the token' : `the token with serial ${JSON.stringify(serial)}`;
}

function listOf(present: readonly Present[]): string {
  const names = present.map(({ label, serial }) => `${JSON.stringify(label)} (serial ${serial})`);
  return names.length === 0 ? 'no token is' : `there is ${names.join(', ')}`;
}
