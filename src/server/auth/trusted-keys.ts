// SPDX-License-Identifier: Apache-2.0
import { createHash, createPublicKey, type KeyObject, type webcrypto, X509Certificate } from 'node:crypto';
import { AuthenticationSetupError } from './authenticator.ts';

/** A key that tokens may be signed with. The algorithms follow from the key alone, never from a token. */
export interface TokenKey {
  readonly key: KeyObject;
  readonly algorithms: readonly string[];
  /** The only name under which a set of keys lists it. */
  readonly id?: string;
  /** When the certificates end that vouch for it, where it is none of those configured. */
  readonly until?: Date;
}

/** What tokens are checked against: fixed by configuration; no token adds to it (S33). */
export interface TrustedKeys {
  /** By each name that a token's `kid` may use. */
  readonly byId: ReadonlyMap<string, TokenKey>;
  /** By RFC 7638 thumbprint. */
  readonly byThumbprint: ReadonlyMap<string, TokenKey>;
  /** Where a token's `x5c` has to end. */
  readonly certificates: readonly X509Certificate[];
}

const MIN_RSA_BITS = 2048;
const EC_ALGORITHMS: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };

/** The signature algorithms of a key; none for a key that tokens cannot be signed with, or that is too short. */
export function algorithmsOf(key: KeyObject): readonly string[] {
  const details = key.asymmetricKeyDetails;
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return (details?.modulusLength ?? 0) >= MIN_RSA_BITS ? ['RS256', 'RS384', 'RS512'] : [];
    case 'ec': {
      const algorithm = EC_ALGORITHMS[details?.namedCurve ?? ''];
      return algorithm === undefined ? [] : [algorithm];
    }
    case 'ed25519':
      return ['EdDSA', 'Ed25519'];
    default:
      return [];
  }
}

/** The trusted keys of certificates, of keys, or of both. */
export function trustedKeys(certificates: readonly X509Certificate[], keys: readonly TokenKey[]): TrustedKeys {
  const all = [...certificates.flatMap(({ publicKey }) => tokenKey(publicKey) ?? []), ...keys];
  const byId = new Map<string, TokenKey>();
  const byThumbprint = new Map<string, TokenKey>();
  for (const trusted of all) {
    const thumbprint = thumbprintOf(trusted.key);
    byThumbprint.set(thumbprint, trusted);
    const derived = [thumbprint, libtrustFingerprint(trusted.key)];
    for (const id of trusted.id === undefined ? derived : [trusted.id]) if (!byId.has(id)) byId.set(id, trusted);
  }
  return { byId, byThumbprint, certificates };
}

export function tokenKey(key: KeyObject, id?: string): TokenKey | undefined {
  const algorithms = algorithmsOf(key);
  return algorithms.length === 0 ? undefined : { key, algorithms, ...(id === undefined ? {} : { id }) };
}

/** The name that libtrust, and so Docker's token servers, give a key: `ABCD:EFGH:…`, twelve groups of base32. */
export function libtrustFingerprint(key: KeyObject): string {
  const digest = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 30);
  return base32(digest).match(/.{4}/g)?.join(':') as string;
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return bits.replace(/.{5}/g, (five) => BASE32.charAt(Number.parseInt(five, 2)));
}

/** RFC 7638: the SHA-256 of the members that make the key, in the order of their names. */
export function thumbprintOf(key: KeyObject): string {
  const { crv, e, kty, n, x, y } = key.export({ format: 'jwk' });
  const members = { crv, e, kty, n, x, y };
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** All certificates of a PEM bundle. @throws AuthenticationSetupError */
export function readBundle(pem: string, path: string): readonly X509Certificate[] {
  const blocks = pem.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw new AuthenticationSetupError(`${path} holds no certificate`);
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new AuthenticationSetupError(`${path}: certificate ${index + 1} cannot be read`, { cause });
    }
  });
}

/**
 * The keys of a JSON Web Key Set (RFC 7517). What is not for signatures, or of a kind that cannot sign a token, is passed
 * over as the standard says; symmetric keys among them, so that no token is ever checked with a shared secret.
 * @throws AuthenticationSetupError if nothing usable is there
 */
export function readKeySet(text: string, source: string): readonly TokenKey[] {
  const bad = (why: string, cause?: unknown) => new AuthenticationSetupError(`${source} ${why}`, { cause });
  let keys: unknown;
  try {
    keys = (JSON.parse(text) as { keys?: unknown } | null)?.keys;
  } catch (cause) {
    throw bad('is not JSON', cause);
  }
  if (!Array.isArray(keys)) throw bad('is no key set');
  const usable = keys.slice(0, MAX_KEYS).flatMap((key) => publicKeyOf(key) ?? []);
  if (usable.length === 0) throw bad('holds no key that tokens can be signed with');
  return usable;
}

/** More keys than this are no rotation. */
const MAX_KEYS = 100;

function publicKeyOf(entry: unknown): TokenKey | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const { use, alg, kid, key_ops: operations, ...jwk } = entry as Record<string, unknown>;
  if (use !== undefined && use !== 'sig') return undefined;
  if (Array.isArray(operations) && !operations.includes('verify')) return undefined;
  const found = jwkKey(jwk);
  const trusted = found && tokenKey(found, typeof kid === 'string' ? kid : undefined);
  if (trusted === undefined || typeof alg !== 'string') return trusted;
  return trusted.algorithms.includes(alg) ? { ...trusted, algorithms: [alg] } : undefined;
}

/** The public key that a JWK states; `undefined` if it states none. */
export function jwkKey(jwk: unknown): KeyObject | undefined {
  if (typeof jwk !== 'object' || jwk === null) return undefined;
  const { kty, crv, n, e, x, y } = jwk as webcrypto.JsonWebKey;
  if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') return undefined;
  try {
    return createPublicKey({ key: { kty, crv, n, e, x, y } as webcrypto.JsonWebKey, format: 'jwk' });
  } catch {
    return undefined;
  }
}
