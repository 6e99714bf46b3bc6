// SPDX-License-Identifier: Apache-2.0
/**
 * Keys in hardware: tokens that speak PKCS#11, named by URIs of RFC 7512. A private key never leaves its token, a PIN is
 * never an argument, and the native library is loaded when a token is asked for and not before.
 *
 *     const uri = parseTokenUri('pkcs11:token=work?module-name=softhsm2');
 *     const store = withTokens(openKeyStore(directory), [uri], pins);
 *     const { keys } = await store.list();                       // those of the token too, and no PIN was asked for
 *     const signer = await store.get(keyId, passphrases);
 *     const signature = await signer.sign(bytes);                // now it is
 */
import { KeyStoreError } from '../errors.ts';
import type { KeyStore } from '../key-store.ts';
import type { Pins } from './login.ts';
import { loadCryptoki } from './module.ts';
import { Token } from './token.ts';
import { TokenKeyStore } from './token-key-store.ts';
import { TokenServiceKeys } from './token-service-keys.ts';
import type { TokenUri } from './token-uri.ts';

export type { Pins } from './login.ts';
export type { Token } from './token.ts';
export { describeTokenKey } from './token-key-store.ts';
export { formatTokenUri, parseTokenUri, type TokenUri } from './token-uri.ts';

/** The token that a URI means. @throws KeyStoreError `token-module`, `token-absent`, `token-ambiguous` */
export async function openToken(uri: TokenUri, pins: Pins): Promise<Token> {
  return new Token(await loadCryptoki(uri), uri, pins);
}

/** A store that has the keys of these tokens beside its own. Nothing is loaded before a key is looked for. */
export function withTokens(files: KeyStore, uris: readonly TokenUri[], pins: (uri: TokenUri) => Pins): KeyStore {
  if (uris.length === 0) return files;
  return new TokenKeyStore(
    files,
    uris.map((uri) => () => openToken(uri, pins(uri))),
  );
}

/**
 * The keys of a signing service, in a token. The PIN is asked for at once.
 * @throws KeyStoreError `malformed` for a URI that names one key, those of {@link openToken}, `no-pin`, `wrong-pin`, `pin-locked`
 */
export async function openTokenServiceKeys(uri: TokenUri, pins: Pins): Promise<TokenServiceKeys> {
  if (uri.object !== undefined || uri.id !== undefined) {
    throw new KeyStoreError('malformed', 'the token of a signing service holds many keys', {
      remedy: 'leave object= and id= out of its URI',
    });
  }
  const keys = new TokenServiceKeys(() => openToken(uri, pins));
  await keys.check();
  return keys;
}
