// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../encoding/index.ts';
import type { Dialect, SignedOf } from './dialect.ts';
import { kindOf } from './dialect.ts';
import { VerificationError } from './errors.ts';
import { checkExpiry } from './expiry.ts';
import type { PublicKey } from './keys.ts';
import type { Envelope, MetaFile, RoleKeys, Signed, Targets, Verified } from './metadata.ts';
import { MetadataError } from './metadata-error.ts';
import { type Gun, type KeyId, type RoleName, SNAPSHOT, TARGETS, TIMESTAMP } from './names.ts';
import { checkPin, checkPinnedVersion } from './pin.ts';
import { checkRollback, type Marks, markOf } from './rollback.ts';
import { verifyRole } from './verify.ts';

/** What a publisher may find expired; a delegation is passed over alone. */
const RENEWABLE: readonly RoleName[] = [TIMESTAMP, SNAPSHOT, TARGETS];
/** What nobody can renew in a frozen copy: the publisher's own files still expire. */
const FROZEN: readonly RoleName[] = [TIMESTAMP, SNAPSHOT];

/** What holds for one whole update. */
export interface UpdateContext {
  readonly dialect: Dialect;
  readonly gun: Gun;
  /** The moment at which expiry is judged: one for the whole update (S26). */
  readonly now: Date;
  /** The newest versions ever trusted; empty on first use. */
  readonly marks: Marks;
  /** For a publisher, who renews what has expired: it may be past its time. Never to use it. */
  readonly renewing?: boolean;
  /** For a copy that no server renews: timestamp and snapshot may be past their time, since versions say how old is too old. */
  readonly frozen?: boolean;
}

/** The keys and threshold under which a role is judged. */
export interface Authority {
  readonly keys: ReadonlyMap<KeyId, PublicKey>;
  readonly role: RoleKeys;
}

export interface Admitted<K extends Signed['type']> {
  readonly signed: Verified<SignedOf<K>>;
  readonly file: Uint8Array;
  readonly envelope: Envelope<SignedOf<K>>;
  /** What the file trusted before says, where today's keys of the role stand by it and it is another one. */
  readonly before: SignedOf<K> | undefined;
}

/** The checks that every file but a root goes through, in the order of the specification. */
export function admit<K extends Signed['type']>(
  kind: K,
  role: RoleName,
  file: Uint8Array,
  cached: Uint8Array | undefined,
  authority: Authority,
  pin: MetaFile | undefined,
  context: UpdateContext,
): Admitted<K> {
  // 5.5.2, 5.6.2: the pins of the referrer, before a byte is interpreted
  if (pin !== undefined) checkPin(role, pin, file);
  const envelope = decodeRole(kind, role, file, context.dialect);
  // 5.4.2, 5.5.3, 5.6.3: signatures
  const signed = verifyRole(role, envelope, authority.keys, authority.role);
  const version = (signed as Signed).version;
  if (pin !== undefined) checkPinnedVersion(role, pin, version);
  // 5.4.3, 5.5.5, 5.6.4: rollback, against the recorded mark and the file trusted before (S17)
  checkRollback(role, version, file, authority.role, context.marks.get(role));
  let before: SignedOf<K> | undefined;
  if (cached !== undefined && !equalBytes(cached, file)) {
    before = trustedBefore(kind, role, cached, authority, context.dialect);
    const mark = before && markOf((before as Signed).version, authority.role, cached);
    checkRollback(role, version, file, authority.role, mark);
  }
  // 5.4.4, 5.5.6, 5.6.5: expiry
  const excused = context.renewing === true ? RENEWABLE : context.frozen === true ? FROZEN : [];
  if (!excused.includes(role)) checkExpiry(role, signed as Signed, context.now);
  return { signed, file, envelope, before };
}

/** A cached file counts as a baseline only if the role's keys of today signed it: else its version means nothing. */
export function trustedBefore<K extends Signed['type']>(
  kind: K,
  role: RoleName,
  cached: Uint8Array,
  authority: Authority,
  dialect: Dialect,
): SignedOf<K> | undefined {
  try {
    const envelope = decodeRole(kind, role, cached, dialect);
    return verifyRole(role, envelope, authority.keys, authority.role);
  } catch (error) {
    if (error instanceof VerificationError) return undefined;
    throw error;
  }
}

export function decodeRole<K extends Signed['type']>(
  kind: K,
  role: RoleName,
  file: Uint8Array,
  dialect: Dialect,
): Envelope<SignedOf<K>> {
  try {
    const envelope = dialect.decode(kind, file);
    if (kindOf(role) === 'targets') checkDelegationNames(role, envelope.signed as Targets, dialect);
    return envelope;
  } catch (cause) {
    if (cause instanceof MetadataError)
      throw new VerificationError('malformed', role, `${role}: ${cause.message}`, { cause });
    throw cause;
  }
}

function checkDelegationNames(role: RoleName, targets: Targets, dialect: Dialect): void {
  const seen = new Set<RoleName>();
  for (const { name } of targets.delegations.roles) {
    if (!dialect.mayDelegate(role, name) || seen.has(name))
      throw new MetadataError('malformed', `delegation ${name} is repeated or no child of ${role}`);
    seen.add(name);
  }
}
