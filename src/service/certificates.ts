// SPDX-License-Identifier: Apache-2.0
/** X.509 certificates of a fixed form (RFC 5280): an authority of one's own, and what it issues to a TLS server. */
import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import { DerTag, encodeDer, encodeDerInteger, encodeObjectId, encodePem, encodeUtf8 } from '../encoding/index.ts';

const Tag = {
  boolean: 0x01,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  set: 0x31,
  extensions: 0xa3,
  keyIdentifier: 0x80,
  dnsName: 0x82,
  ipAddress: 0x87,
};

const ECDSA_SHA256 = sequence(encodeObjectId('1.2.840.10045.4.3.2'));

/** Who issues, and with which EC P-256 key. */
export interface Issuer {
  readonly commonName: string;
  readonly key: KeyObject;
}

export interface Validity {
  readonly from: Date;
  readonly to: Date;
}

/** A self-signed authority that may issue to servers, not to further authorities. PEM. */
export function issueAuthority(authority: Issuer, validity: Validity): string {
  const publicKey = createPublicKey(authority.key);
  return issue(authority, authority.commonName, publicKey, validity, [
    extension('2.5.29.19', true, sequence(encodeDer(Tag.boolean, Uint8Array.of(0xff)), encodeDerInteger(0))),
    // keyCertSign and cRLSign
    extension('2.5.29.15', true, encodeDer(DerTag.bitString, Uint8Array.of(1, 0x06))),
    extension('2.5.29.14', false, encodeDer(DerTag.octetString, keyIdentifier(publicKey))),
  ]);
}

/** A TLS server's certificate for host names and IP addresses. PEM. */
export function issueServer(
  authority: Issuer,
  hosts: readonly string[],
  publicKey: KeyObject,
  validity: Validity,
): string {
  const issuerId = encodeDer(Tag.keyIdentifier, keyIdentifier(createPublicKey(authority.key)));
  return issue(authority, hosts[0] ?? '', publicKey, validity, [
    extension('2.5.29.19', true, sequence()),
    // digitalSignature
    extension('2.5.29.15', true, encodeDer(DerTag.bitString, Uint8Array.of(7, 0x80))),
    extension('2.5.29.37', false, sequence(encodeObjectId('1.3.6.1.5.5.7.3.1'))),
    extension('2.5.29.35', false, sequence(issuerId)),
    extension('2.5.29.17', false, sequence(...hosts.map(generalName))),
  ]);
}

function issue(
  issuer: Issuer,
  subject: string,
  publicKey: KeyObject,
  { from, to }: Validity,
  extensions: readonly Uint8Array[],
): string {
  const body = sequence(
    encodeDer(DerTag.context0, encodeDerInteger(2)),
    encodeDer(DerTag.integer, serialNumber()),
    ECDSA_SHA256,
    distinguishedName(issuer.commonName),
    sequence(time(from), time(to)),
    distinguishedName(subject),
    new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
    encodeDer(Tag.extensions, sequence(...extensions)),
  );
  const signature = encodeDer(DerTag.bitString, Uint8Array.of(0), sign('sha256', body, issuer.key));
  const bytes = sequence(body, ECDSA_SHA256, signature);
  return encodePem({ label: 'CERTIFICATE', headers: new Map(), bytes });
}

function sequence(...values: readonly Uint8Array[]): Uint8Array {
  return encodeDer(DerTag.sequence, ...values);
}

/** 128 random bits, positive and of full length. */
function serialNumber(): Uint8Array {
  const bytes = new Uint8Array(randomBytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

function distinguishedName(commonName: string): Uint8Array {
  const attribute = sequence(encodeObjectId('2.5.4.3'), encodeDer(Tag.utf8, encodeUtf8(commonName)));
  return sequence(encodeDer(Tag.set, attribute));
}

/** RFC 5280 4.1.2.5: two digits of the year up to 2049, four from then on. */
function time(date: Date): Uint8Array {
  const digits = `${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`;
  return date.getUTCFullYear() < 2050
    ? encodeDer(Tag.utcTime, encodeUtf8(digits.slice(2)))
    : encodeDer(Tag.generalizedTime, encodeUtf8(digits));
}

function extension(id: string, critical: boolean, value: Uint8Array): Uint8Array {
  const flag = critical ? [encodeDer(Tag.boolean, Uint8Array.of(0xff))] : [];
  return sequence(encodeObjectId(id), ...flag, encodeDer(DerTag.octetString, value));
}

function keyIdentifier(publicKey: KeyObject): Uint8Array {
  const der = publicKey.export({ format: 'der', type: 'spki' });
  return new Uint8Array(createHash('sha256').update(der).digest().subarray(0, 20));
}

function generalName(host: string): Uint8Array {
  return isIP(host) === 0
    ? encodeDer(Tag.dnsName, encodeUtf8(host))
    : encodeDer(Tag.ipAddress, isIPv4(host) ? Uint8Array.from(host.split('.').map(Number)) : ipv6Bytes(host));
}

function ipv6Bytes(address: string): Uint8Array {
  // the URL parser spells an address with its last 32 bits in hex, whatever it was given
  const plain = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head, tail] = plain.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const groups = tail === undefined ? (head ?? []) : [...(head ?? [])];
  if (tail !== undefined) groups.push(...Array(8 - groups.length - tail.length).fill('0'), ...tail);
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  );
}
