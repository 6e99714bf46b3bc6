// SPDX-License-Identifier: Apache-2.0
import { KeyStoreError, type KeyStoreErrorCode } from '../errors.ts';
import { Rv, returnValue } from './cryptoki.ts';

/** What a token's refusal means, without the PIN or any of its bytes. */
const MEANINGS: ReadonlyMap<number, readonly [KeyStoreErrorCode, string, string?]> = new Map([
  [Rv.tokenNotPresent, ['token-absent', 'was taken out', 'insert it and run the command again']],
  [Rv.deviceRemoved, ['token-absent', 'was taken out', 'insert it and run the command again']],
  [Rv.tokenNotRecognized, ['token-absent', 'is not recognised by its library']],
  [Rv.sessionHandleInvalid, ['token-absent', 'was taken out', 'insert it and run the command again']],
  [Rv.pinLocked, ['pin-locked', 'has a locked PIN', 'unlock it with the PUK or SO PIN and the tool of its maker']],
  [Rv.pinExpired, ['pin-locked', 'has a PIN that has expired', 'change it with the tool of its maker']],
  [Rv.userPinNotInitialized, ['token-failed', 'has no user PIN yet', 'set one with the tool of its maker']],
  [Rv.tokenWriteProtected, ['token-failed', 'is write-protected']],
  [Rv.deviceMemory, ['token-failed', 'is full']],
  [Rv.mechanismInvalid, ['token-failed', 'does not know this kind of key']],
  [
    Rv.functionCanceled,
    ['token-failed', 'was not touched in time', 'run the command again and touch it when it blinks'],
  ],
]);

/** A failed call of a token library as the key store's error; errors of any other kind are handed on as they are. */
export function asTokenError(token: string, error: unknown): unknown {
  const rv = returnValue(error);
  if (rv === undefined) return error;
  const [code, what, remedy] = MEANINGS.get(rv) ?? ['token-failed', `refused: ${nameOf(error, rv)}`];
  return tokenError(code, token, what, { cause: error, ...(remedy === undefined ? {} : { remedy }) });
}

export function tokenError(
  code: KeyStoreErrorCode,
  token: string,
  what: string,
  about: { remedy?: string; cause?: unknown } = {},
): KeyStoreError {
  return new KeyStoreError(code, `token ${JSON.stringify(token)} ${what}`, about);
}

function nameOf(error: unknown, rv: number): string {
  const [name] = /CKR_[A-Z0-9_]+/.exec(error instanceof Error ? error.message : '') ?? [];
  return name ?? `error 0x${rv.toString(16)}`;
}
