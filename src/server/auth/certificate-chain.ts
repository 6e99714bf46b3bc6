// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';

/** Certificates that a token may bring along; a longer chain is made to cost time. */
const MAX_CHAIN = 8;
const MAX_CERTIFICATE = 8192;

/** The certificate whose key signed a token, and until when it is vouched for. */
export interface ChainLeaf {
  readonly certificate: X509Certificate;
  /** When the first of all that lead from it to the bundle ends. */
  readonly until: Date;
}

/**
 * The first certificate of a token's `x5c` if a path of signatures leads from it to one of the bundle; all of them valid
 * now, and all but the first allowed to sign others. A certificate of the bundle itself needs no path.
 */
export function chainLeaf(x5c: unknown, bundle: readonly X509Certificate[], now: Date): ChainLeaf | undefined {
  const chain = Array.isArray(x5c) && x5c.length > 0 && x5c.length <= MAX_CHAIN ? x5c.map(certificateOf) : [];
  const [certificate, ...others] = chain;
  if (certificate === undefined || !isValid(certificate, now)) return undefined;
  const sound = others.flatMap((other) => (other?.ca === true && isValid(other, now) ? [other] : []));
  const until = endOfPath(certificate, sound, bundle, now);
  return until && { certificate, until };
}

/**
 * When the path from a certificate to the bundle ends; `undefined` if there is none. Each certificate is used at most once, so
 * that a loop of two that sign each other ends.
 */
function endOfPath(
  certificate: X509Certificate,
  others: readonly X509Certificate[],
  bundle: readonly X509Certificate[],
  now: Date,
): Date | undefined {
  const end = certificate.validToDate;
  if (bundle.some((anchor) => anchor.raw.equals(certificate.raw))) return end;
  const anchor = bundle.find((one) => one.ca && isValid(one, now) && signed(one, certificate));
  if (anchor !== undefined) return earlier(end, anchor.validToDate);
  const issuer = others.find((other) => signed(other, certificate));
  if (issuer === undefined) return undefined;
  const rest = others.filter((other) => other !== issuer);
  const further = endOfPath(issuer, rest, bundle, now);
  return further && earlier(end, further);
}

function earlier(one: Date, other: Date): Date {
  return one < other ? one : other;
}

function signed(issuer: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

function isValid(certificate: X509Certificate, now: Date): boolean {
  return new Date(certificate.validFrom) <= now && now <= new Date(certificate.validTo);
}

function certificateOf(text: unknown): X509Certificate | undefined {
  if (typeof text !== 'string' || text.length > MAX_CERTIFICATE) return undefined;
  try {
    return new X509Certificate(Buffer.from(text, 'base64'));
  } catch {
    return undefined;
  }
}
