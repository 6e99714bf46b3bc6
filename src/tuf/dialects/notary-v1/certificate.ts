// SPDX-License-Identifier: Apache-2.0
import {
  DecodeError,
  DerTag,
  type DerValue,
  decodeDer,
  decodeDerSequence,
  decodeObjectId,
  decodeUtf8,
} from '../../../encoding/index.ts';
import { MetadataError } from '../../metadata-error.ts';
import { realTime } from '../time.ts';

/** What root validation needs of an X.509 certificate and `node:crypto` does not tell alike on every runtime. */
export interface CertificateFields {
  readonly commonName: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Signed with SHA-256 or better: SHA-1 and MD5 certificates are forgeable. */
  readonly strongSignature: boolean;
}

const COMMON_NAME = '2.5.4.3';
const STRONG_SIGNATURES = new Set([
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '1.2.840.113549.1.1.10',
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.3.101.112',
]);

/** Reads a certificate (RFC 5280 section 4.1). @throws MetadataError `malformed` */
export function readCertificate(der: Uint8Array): CertificateFields {
  try {
    const [tbs, algorithm] = decodeDerSequence(der);
    const fields = decodeDerSequence(raw(tbs));
    // version [0] may be left out; then serial, signature, issuer, validity, subject follow
    const first = fields[0]?.tag === DerTag.context0 ? 1 : 0;
    const [notBefore, notAfter] = decodeDerSequence(raw(fields[first + 3]));
    const [algorithmId] = decodeDerSequence(raw(algorithm));
    return {
      commonName: commonName(raw(fields[first + 4])),
      notBefore: parseDerTime(notBefore),
      notAfter: parseDerTime(notAfter),
      strongSignature: algorithmId !== undefined && STRONG_SIGNATURES.has(decodeObjectId(algorithmId)),
    };
  } catch (cause) {
    if (cause instanceof DecodeError) throw new MetadataError('malformed', 'damaged certificate', { cause });
    throw cause;
  }
}

function raw(value: DerValue | undefined): Uint8Array {
  if (value === undefined) throw new DecodeError('certificate field missing');
  return value.raw;
}

/** The last common name of a subject, as Go takes it. */
function commonName(subject: Uint8Array): string {
  let name = '';
  for (const set of decodeDerSequence(subject)) {
    for (const attribute of decodeDerSequence(set.raw, 0x31)) {
      const [type, value] = decodeDerSequence(attribute.raw);
      if (type !== undefined && value !== undefined && decodeObjectId(type) === COMMON_NAME)
        name = decodeUtf8(value.content);
    }
  }
  return name;
}

const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

function parseDerTime(value: DerValue | undefined): Date {
  if (value === undefined || (value.tag !== UTC_TIME && value.tag !== GENERALIZED_TIME))
    throw new DecodeError('not a DER time');
  const digits = /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(
    decodeUtf8(decodeDer(value.raw, value.tag).content),
  );
  if (digits === null || digits[1]?.length !== (value.tag === UTC_TIME ? 2 : 4))
    throw new DecodeError('not a DER time');
  const [year = 0, ...rest] = digits.slice(1).map(Number);
  // RFC 5280 4.1.2.5.1: two digits mean 1950 to 2049
  const full = value.tag === GENERALIZED_TIME ? year : year + (year < 50 ? 2000 : 1900);
  const time = realTime([full, ...rest]);
  if (time === undefined) throw new DecodeError('not a DER time');
  return time;
}
