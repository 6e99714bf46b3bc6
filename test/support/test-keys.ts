// SPDX-License-Identifier: Apache-2.0
import { constants, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { type Signer as KeySigner, PrivateKey, rootCertificate } from '../../src/signing/index.ts';
import {
  type Dialect,
  type Gun,
  type KeyAlgorithm,
  type KeyId,
  keyId,
  type PublicKey,
  SCHEMES,
  SIGNATURE_METHODS,
  type Signature,
  signBytes,
} from '../../src/tuf/index.ts';
import { readVectorJson } from './vectors.ts';

/** Signs as a key's own scheme says; the salt of PSS as long as its hash, where a verifier takes any. */
export function signByScheme(name: string, key: KeyObject, message: Uint8Array): Uint8Array {
  const scheme = SCHEMES.get(name);
  if (scheme === undefined) throw new Error(`unknown scheme ${name}`);
  const { digest, verifying } = scheme;
  const salt = verifying.saltLength === undefined ? {} : { saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return new Uint8Array(sign(digest, message, { key, ...verifying, ...salt }));
}

/** A private key together with the public key by which metadata lists it: bare, or in a certificate. */
export class TestKey {
  readonly listed: PublicKey;
  readonly id: KeyId;
  readonly algorithm: KeyAlgorithm;
  readonly object: KeyObject;

  constructor(listed: PublicKey, object: KeyObject) {
    this.listed = listed;
    this.id = keyId(listed);
    this.algorithm = listed.type.replace(/-x509$/, '') as KeyAlgorithm;
    this.object = object;
  }

  /** The same private key under another public form, such as a second certificate around it. */
  as(listed: PublicKey): TestKey {
    return new TestKey(listed, this.object);
  }

  sign(message: Uint8Array): Signature {
    const { scheme } = this.listed;
    if (scheme !== undefined) return { keyId: this.id, method: '', bytes: signByScheme(scheme, this.object, message) };
    return {
      keyId: this.id,
      method: SIGNATURE_METHODS[this.algorithm],
      bytes: signBytes(this.algorithm, this.object, message),
    };
  }
}

/** The scheme by which a key of ours signs where its key object states one. */
const SCHEME_OF: Readonly<Record<KeyAlgorithm, string>> = {
  ecdsa: 'ecdsa-sha2-nistp256',
  rsa: 'rsassa-pss-sha256',
  ed25519: 'ed25519',
};

export function makeKey(algorithm: KeyAlgorithm = 'ecdsa'): TestKey {
  const key = PrivateKey.generate(algorithm);
  return new TestKey(key.key, key.object);
}

/** A new key as the dialect's metadata lists it. */
export function makeKeyFor({ name }: Dialect, algorithm: KeyAlgorithm = 'ecdsa'): TestKey {
  const key = makeKey(algorithm);
  return name === 'tuf-v1' ? key.as({ ...key.listed, scheme: SCHEME_OF[algorithm] }) : key;
}

export function testKeyOf(key: KeySigner & { readonly object: KeyObject }): TestKey {
  return new TestKey(key.key, key.object);
}

/** A root key under a certificate for `commonName`, valid for ten years from `notBefore`. */
export async function makeRootKey(
  commonName: string,
  notBefore: Date,
  algorithm: 'ecdsa' | 'rsa' = 'ecdsa',
): Promise<TestKey> {
  const key = PrivateKey.generate(algorithm);
  return new TestKey(await rootCertificate(key, commonName as Gun, notBefore), key.object);
}

/** A certificate that OpenSSL made, with its private key; `chain` follows the leaf in the given order. */
export function recordedKey(name: string, ...chain: readonly string[]): TestKey {
  const { pkcs8 } = recorded(name);
  const pem = [name, ...chain].map(recordedPem).join('');
  const object = createPrivateKey({ key: Buffer.from(pkcs8, 'base64'), format: 'der', type: 'pkcs8' });
  const type = object.asymmetricKeyType === 'rsa' ? 'rsa-x509' : 'ecdsa-x509';
  return new TestKey({ type, bytes: new TextEncoder().encode(pem) }, object);
}

export function recordedPem(name: string): string {
  return recorded(name).pem;
}

function recorded(name: string): { pem: string; pkcs8: string } {
  const found = readVectorJson('certificates/openssl.json').certificates[name];
  if (found === undefined) throw new Error(`no recorded certificate ${name}`);
  return found;
}
