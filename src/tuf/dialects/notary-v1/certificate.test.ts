// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { refused } from '../../../../test/support/refusals.ts';
import { DerTag, encodeDer, encodeDerInteger, encodeObjectId, encodeUtf8 } from '../../../encoding/index.ts';
import { readCertificate } from './certificate.ts';

const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
const ECDSA_SHA1 = '1.2.840.10045.4.1';
const COMMON_NAME = '2.5.4.3';
const ORGANIZATION = '2.5.4.10';
const [UTC_TIME, GENERALIZED_TIME, UTF8, SET] = [0x17, 0x18, 0x0c, 0x31];
const MALFORMED = { name: 'MetadataError', code: 'malformed' };

const sequence = (...values: readonly Uint8Array[]) => encodeDer(DerTag.sequence, ...values);
const time = (text: string, tag = UTC_TIME) => encodeDer(tag, encodeUtf8(text));
const name = (...attributes: readonly (readonly [string, string])[]) =>
  sequence(
    ...attributes.map(([type, text]) =>
      encodeDer(SET, sequence(encodeObjectId(type), encodeDer(UTF8, encodeUtf8(text)))),
    ),
  );

interface Parts {
  readonly version?: boolean;
  readonly notBefore?: Uint8Array;
  readonly notAfter?: Uint8Array;
  readonly subject?: Uint8Array;
  readonly algorithm?: readonly Uint8Array[];
}

/** A certificate that nobody signed: its fields are read all the same. */
function certificate(parts: Parts = {}): Uint8Array {
  const algorithm = sequence(...(parts.algorithm ?? [encodeObjectId(ECDSA_SHA256)]));
  const validity = sequence(parts.notBefore ?? time('260101000000Z'), parts.notAfter ?? time('360101000000Z'));
  const version = parts.version === false ? [] : [encodeDer(DerTag.context0, encodeDerInteger(2))];
  const subject = parts.subject ?? name([COMMON_NAME, 'example.com/app']);
  const body = sequence(...version, encodeDerInteger(7), algorithm, name([COMMON_NAME, 'issuer']), validity, subject);
  return sequence(body, algorithm, encodeDer(DerTag.bitString, new Uint8Array(2)));
}

describe('readCertificate', () => {
  test('reads name, validity and signature algorithm, of version 1 as of version 3', () => {
    const expected = {
      commonName: 'example.com/app',
      notBefore: new Date('2026-01-01T00:00:00Z'),
      notAfter: new Date('2036-01-01T00:00:00Z'),
      strongSignature: true,
    };

    expect(readCertificate(certificate())).toEqual(expected);
    expect(readCertificate(certificate({ version: false }))).toEqual(expected);
  });

  test('the last common name of a subject is its name, as in Go, and no other attribute is', () => {
    const subject = name([COMMON_NAME, 'first'], [COMMON_NAME, 'last'], [ORGANIZATION, 'nobody']);

    expect(readCertificate(certificate({ subject })).commonName).toBe('last');
    expect(readCertificate(certificate({ subject: name([ORGANIZATION, 'nobody']) })).commonName).toBe('');
    const empty = sequence(encodeDer(SET, sequence(encodeObjectId(COMMON_NAME))), encodeDer(SET, sequence()));
    expect(readCertificate(certificate({ subject: empty })).commonName).toBe('');
  });

  test('years of two digits are 1950 to 2049, of four what they say', () => {
    const year = (text: string, tag?: number) =>
      readCertificate(certificate({ notAfter: time(text, tag) })).notAfter.getUTCFullYear();

    expect(year('491231235959Z')).toBe(2049);
    expect(year('500101000000Z')).toBe(1950);
    expect(year('21260101000000Z', GENERALIZED_TIME)).toBe(2126);
  });

  test('times of another form are refused', () => {
    const odd = [
      time('21260101000000Z'),
      time('260101000000Z', GENERALIZED_TIME),
      time('260101000000'),
      time('2601010000Z'),
      time('260101000000+0000'),
      time('never'),
      time('260230000000Z'),
      time('260101240000Z'),
      time('260101000000Z', UTF8),
      time('21260101000000Z', UTF8),
      encodeDer(DerTag.null),
    ];
    for (const notAfter of odd) refused(() => readCertificate(certificate({ notAfter })), MALFORMED);
  });

  test('a signature of SHA-1 or of no algorithm is not strong', () => {
    expect(readCertificate(certificate({ algorithm: [encodeObjectId(ECDSA_SHA1)] })).strongSignature).toBe(false);
    expect(readCertificate(certificate({ algorithm: [] })).strongSignature).toBe(false);
  });

  test('what lacks a field is refused', () => {
    const short = sequence(sequence(encodeDerInteger(1)), sequence(encodeObjectId(ECDSA_SHA256)));
    const noTimes = certificate({ notBefore: new Uint8Array(), notAfter: new Uint8Array() });

    for (const bytes of [new Uint8Array(), sequence(), short, noTimes, encodeDer(DerTag.null)])
      refused(() => readCertificate(bytes), MALFORMED);
  });
});
