// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { DecodeError, decodePem } from '../encoding/index.ts';
import {
  canonicalKeyId,
  certificates,
  type Gun,
  type KeyId,
  keyId,
  type PublicKey,
  ROOT,
  type RootPin,
  readCertificate,
  VerificationError,
} from '../tuf/index.ts';

/** What a user knows of root keys before the first use of a repository (reference 3.3). */
export interface TrustPinning {
  /** Key IDs of root certificates by GUN, or by a prefix that ends in `*`. An empty list trusts nothing. */
  readonly certs?: ReadonlyMap<string, readonly KeyId[]>;
  /** Canonical IDs of root keys, named as `certs`: a certificate that is renewed around the same key still fits. */
  readonly keys?: ReadonlyMap<string, readonly KeyId[]>;
  /** PEM text of CA certificates by GUN prefix. */
  readonly ca?: ReadonlyMap<string, string>;
  /** Whether a repository that no pin covers is trusted on first use. */
  readonly trustOnFirstUse: boolean;
}

export interface ChosenPin extends RootPin {
  readonly kind: 'certs' | 'ca' | 'first-use';
}

/**
 * The one pin that holds for `gun`: listed keys and certificates before CAs before first use; of several names the GUN
 * itself, then the longest prefix. Names are compared exactly, upper case included.
 * @throws VerificationError `unmet-pin` if first use is not allowed and nothing else covers the GUN
 */
export function choosePin(pinning: TrustPinning, gun: Gun, now: Date): ChosenPin {
  const listed = listedPin(pinning, gun);
  if (listed !== undefined) {
    const { certs, keys } = listed;
    return { kind: 'certs', admits: (key) => certs.includes(keyId(key)) || keys.includes(canonicalKeyId(key)) };
  }
  const name = longestPrefix(pinning.ca?.keys() ?? [], gun, (text) => text.replace(/\*+$/, ''));
  if (name !== undefined) return caPin(pinning.ca?.get(name) ?? '', now);
  if (pinning.trustOnFirstUse) return { kind: 'first-use', admits: () => true };
  throw new VerificationError('unmet-pin', ROOT, `no pin covers ${gun}, and trust on first use is off`);
}

/** The certificates and keys that one name pins. */
export interface ListedPin {
  readonly name: string;
  readonly certs: readonly KeyId[];
  readonly keys: readonly KeyId[];
}

/** The most specific list that covers `gun`; an empty one admits nothing. */
export function listedPin({ certs, keys }: Pick<TrustPinning, 'certs' | 'keys'>, gun: string): ListedPin | undefined {
  const names = new Set([...(certs?.keys() ?? []), ...(keys?.keys() ?? [])]);
  const wildcard = (text: string) => (text.endsWith('*') ? text.replace(/\*+$/, '') : undefined);
  const name = names.has(gun) ? gun : longestPrefix(names, gun, wildcard);
  return name === undefined ? undefined : { name, certs: certs?.get(name) ?? [], keys: keys?.get(name) ?? [] };
}

function longestPrefix(
  names: Iterable<string>,
  gun: string,
  prefixOf: (name: string) => string | undefined,
): string | undefined {
  let best: { length: number; name: string } | undefined;
  for (const name of names) {
    const prefix = prefixOf(name);
    if (prefix !== undefined && gun.startsWith(prefix) && prefix.length >= (best?.length ?? 0))
      best = { length: prefix.length, name };
  }
  return best?.name;
}

function caPin(pem: string, now: Date): ChosenPin {
  const authorities = readAuthorities(pem).filter((certificate) => isValid(certificate, now));
  if (authorities.length === 0)
    throw new VerificationError('unmet-pin', ROOT, 'pinned CA file holds no CA certificate that is valid now');
  return { kind: 'ca', admits: (key) => hasPath(key, authorities, now) };
}

function readAuthorities(pem: string): readonly X509Certificate[] {
  try {
    return decodePem(pem).map((block) => new X509Certificate(block.bytes));
  } catch (cause) {
    const reason = cause instanceof DecodeError ? cause.message : 'not a certificate';
    throw new VerificationError('unmet-pin', ROOT, `pinned CA file cannot be read: ${reason}`, { cause });
  }
}

const MIN_RSA_BITS = 2048;

/** A CA certificate that is valid now, and neither forgeable (SHA-1) nor of a key that can be broken. */
function isValid(certificate: X509Certificate, now: Date): boolean {
  try {
    const { notBefore, notAfter, strongSignature } = readCertificate(new Uint8Array(certificate.raw));
    const bits = certificate.publicKey.asymmetricKeyDetails?.modulusLength ?? MIN_RSA_BITS;
    const inTime = notBefore.getTime() <= now.getTime() && now.getTime() <= notAfter.getTime();
    return certificate.ca && inTime && strongSignature && bits >= MIN_RSA_BITS;
  } catch {
    // a name or key that cannot be read, of which node:crypto has untyped errors: nobody whom a path may lead through
    return false;
  }
}

const SERVER_AUTH_OR_ANY = ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0'];
const MAX_CHAIN = 5;

/** Whether the key's leaf chains to an authority by the intermediates it brings, as for a TLS server (reference 3.3). */
function hasPath(key: PublicKey, authorities: readonly X509Certificate[], now: Date): boolean {
  const [leaf, ...intermediates] = certificates(key);
  if (leaf === undefined) return false;
  const usage: readonly string[] | undefined = leaf.keyUsage;
  if (usage !== undefined && usage.length > 0 && !usage.some((oid) => SERVER_AUTH_OR_ANY.includes(oid))) return false;
  const usable = intermediates.filter((certificate) => isValid(certificate, now));
  let current: X509Certificate | undefined = leaf;
  for (let length = 0; current !== undefined && length < MAX_CHAIN; length++) {
    const child: X509Certificate = current;
    const isIssuer = (issuer: X509Certificate) => child.checkIssued(issuer) && child.verify(issuer.publicKey);
    if (authorities.some(isIssuer)) return true;
    current = usable.find((issuer) => issuer !== child && isIssuer(issuer));
  }
  return false;
}
