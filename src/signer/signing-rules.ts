// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../encoding/index.ts';
import { LIFETIME_DAYS, MetadataError, notaryV1, type Snapshot, type Timestamp } from '../tuf/index.ts';
import { SigningRefusal } from './refusals.ts';

/** The roles that a service signs: what publishers sign never passes through it. */
export type SignedRole = 'snapshot' | 'timestamp';

/** What may be signed. */
export interface SigningRules {
  /** How long metadata may be valid, in days from now, by role. */
  readonly maxLifetimeDays: Readonly<Record<SignedRole, number>>;
  /** Bytes of the content to sign, by role. */
  readonly maxBytes: Readonly<Record<SignedRole, number>>;
  /** Files that a snapshot may list. */
  readonly maxListed: number;
}

/** A client's clock may be ahead of ours by as much as this. */
const SKEW_DAYS = 1;

export const DEFAULT_RULES: SigningRules = {
  maxLifetimeDays: { timestamp: LIFETIME_DAYS.timestamp + SKEW_DAYS, snapshot: LIFETIME_DAYS.snapshot + SKEW_DAYS },
  maxBytes: { timestamp: 64 * 1024, snapshot: 4 * 1024 * 1024 },
  maxListed: 10_000,
};

const DAY = 86_400_000;
/** Notary's servers keep versions in an `int`: one that nobody can exceed would lock everybody out (S3). */
const MAX_VERSION = 2 ** 31 - 1;

export function isSignedRole(role: string): role is SignedRole {
  return role === 'snapshot' || role === 'timestamp';
}

const SNAPSHOT_BEGINS = Buffer.from('{"_type":"Snapshot",');

/** What the content says that it is, for a key whose role was never noted: it is then judged as exactly that. */
export function statedRole(content: Uint8Array): SignedRole {
  return equalBytes(content.subarray(0, SNAPSHOT_BEGINS.length), SNAPSHOT_BEGINS) ? 'snapshot' : 'timestamp';
}

/**
 * Reads what a key of `role` is asked to sign. The service believes no server: it signs metadata of that very role, in
 * the one form that every program would write, with an expiry that lies ahead and not too far; never other bytes.
 * @throws SigningRefusal `invalid`
 */
export function readSignable(
  role: SignedRole,
  content: Uint8Array,
  rules: SigningRules,
  now: Date,
): Timestamp | Snapshot {
  if (content.length > rules.maxBytes[role]) throw invalid(`content has more than ${rules.maxBytes[role]} bytes`);
  const signed = decoded(role, content);
  if (signed.version > MAX_VERSION) throw invalid(`${role} version ${signed.version} is too high`);
  const days = rules.maxLifetimeDays[role];
  if (!(signed.expires.getTime() > now.getTime())) throw invalid(`${role} would be expired already`);
  if (signed.expires.getTime() > now.getTime() + days * DAY)
    throw invalid(`${role} would be valid for more than ${days} days`);
  if (signed.type === 'snapshot' && signed.meta.size > rules.maxListed)
    throw invalid(`snapshot lists more than ${rules.maxListed} files`);
  return signed;
}

function decoded(role: SignedRole, content: Uint8Array): Timestamp | Snapshot {
  try {
    const signed = notaryV1.decodeSigned(role, content);
    // bytes that others would write otherwise brick a repository; unknown fields would be signed unseen (S10)
    const file = notaryV1.encode({ signedBytes: content, signatures: [] });
    if (equalBytes(notaryV1.decodeCanonical(role, file).signedBytes, content)) return signed;
    throw new MetadataError('malformed', 'content is not in canonical form');
  } catch (cause) {
    if (!(cause instanceof MetadataError)) throw cause;
    throw new SigningRefusal('invalid', `not ${role} metadata: ${cause.message}`, { cause });
  }
}

function invalid(message: string): SigningRefusal {
  return new SigningRefusal('invalid', message);
}
