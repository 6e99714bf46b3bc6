// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { DerTag, encodeDer, encodeDerInteger, encodeObjectId, encodeUtf8 } from '../encoding/index.ts';
import { certificateKey, type Gun, type PublicKey, verifyingKey } from '../tuf/index.ts';
import { PrivateKeyError } from './errors.ts';
import type { Signer } from './signer.ts';
import { encodeUnsigned } from './unsigned-integer.ts';

const VALID_DAYS = 3650;
const DAY = 24 * 60 * 60 * 1000;

const Tag = {
  boolean: 0x01,
  utf8: 0x0c,
  printable: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  set: 0x31,
  extensions: 0xa3,
};
const PRINTABLE = /^[A-Za-z0-9 '()+,./:=?-]*$/;

const COMMON_NAME = '2.5.4.3';
const ECDSA_SHA256 = sequence(encodeObjectId('1.2.840.10045.4.3.2'));
const RSA_SHA256 = sequence(encodeObjectId('1.2.840.113549.1.1.11'), encodeDer(DerTag.null));
const VERSION_3 = encodeDer(DerTag.context0, encodeDerInteger(2));

/** Key usage, extended key usage, basic constraints: what Docker and Notary write and a verifier may look for. */
const EXTENSIONS = encodeDer(
  Tag.extensions,
  sequence(
    // digitalSignature and keyEncipherment
    extension('2.5.29.15', true, encodeDer(DerTag.bitString, Uint8Array.of(5, 0xa0))),
    // codeSigning
    extension('2.5.29.37', false, sequence(encodeObjectId('1.3.6.1.5.5.7.3.3'))),
    // not a CA
    extension('2.5.29.19', true, sequence()),
  ),
);

/**
 * The self-signed certificate that makes a root key the root of one GUN (reference 3.1), as a key of type `ecdsa-x509`
 * or `rsa-x509`. Valid for 3650 days from `notBefore`, whole seconds. It has one fixed form, so it is written out
 * here: a certificate library would cost more start-up time than all of a push.
 * The key may lie anywhere: only its signature is asked for.
 * @throws PrivateKeyError `unsupported` for ed25519, which Notary cannot verify in a certificate
 */
export async function rootCertificate(signer: Signer, gun: Gun, notBefore: Date): Promise<PublicKey> {
  const { algorithm, form } = certificateForm(signer);
  const name = distinguishedName(gun);
  const validity = sequence(time(notBefore), time(new Date(notBefore.getTime() + VALID_DAYS * DAY)));
  const body = sequence(VERSION_3, serialNumber(), algorithm, name, validity, name, signer.key.bytes, EXTENSIONS);
  const signature = await form(body);
  return certificateKey(sequence(body, algorithm, encodeDer(DerTag.bitString, Uint8Array.of(0), signature)));
}

/** How a key signs certificates, which is not how it signs metadata: ECDSA in DER, RSA by PKCS#1 v1.5. */
function certificateForm(signer: Signer): { algorithm: Uint8Array; form: (body: Uint8Array) => Promise<Uint8Array> } {
  const { algorithm } = verifyingKey(signer.key);
  switch (algorithm) {
    case 'ecdsa':
      return { algorithm: ECDSA_SHA256, form: async (body) => ecdsaDer(await signer.sign(body)) };
    case 'rsa': {
      const pkcs1 = signer.signPkcs1?.bind(signer);
      if (pkcs1 !== undefined) return { algorithm: RSA_SHA256, form: pkcs1 };
      throw new PrivateKeyError('unsupported', 'this RSA key cannot sign a certificate: it signs by PSS alone');
    }
    case 'ed25519':
      throw new PrivateKeyError(
        'unsupported',
        'a root key must be ecdsa or rsa: an ed25519 key cannot have a certificate',
      );
    default:
      return algorithm satisfies never;
  }
}

/** r‖s as a sequence of two integers. */
function ecdsaDer(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2;
  return sequence(encodeUnsigned(signature.subarray(0, half)), encodeUnsigned(signature.subarray(half)));
}

function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return encodeDer(DerTag.sequence, ...parts);
}

function extension(id: string, critical: boolean, value: Uint8Array): Uint8Array {
  const flag = critical ? [encodeDer(Tag.boolean, Uint8Array.of(0xff))] : [];
  return sequence(encodeObjectId(id), ...flag, encodeDer(DerTag.octetString, value));
}

/** One common name; PrintableString where it can be one, as Go writes it. */
function distinguishedName(commonName: string): Uint8Array {
  const text = encodeDer(PRINTABLE.test(commonName) ? Tag.printable : Tag.utf8, encodeUtf8(commonName));
  return sequence(encodeDer(Tag.set, sequence(encodeObjectId(COMMON_NAME), text)));
}

/** UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280, 4.1.2.5). */
function time(date: Date): Uint8Array {
  const digits = `${date.toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`;
  if (date.getUTCFullYear() >= 2050) return encodeDer(Tag.generalizedTime, encodeUtf8(digits));
  return encodeDer(Tag.utcTime, encodeUtf8(digits.slice(2)));
}

/** 128 bits, random but for the first two, which make it positive and of full length. */
function serialNumber(): Uint8Array {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return encodeDer(DerTag.integer, bytes);
}
