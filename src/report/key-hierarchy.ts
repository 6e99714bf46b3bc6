// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import {
  canonicalIdOf,
  countSignatures,
  type Delegation,
  type Envelope,
  type Gun,
  type KeyId,
  type PublicKey,
  parentRole,
  ROOT,
  type RoleKeys,
  type RoleName,
  type Signed,
  type SNAPSHOT,
  TARGETS,
  type TIMESTAMP,
  type TrustedTargets,
  type VerificationError,
  verifyingKey,
} from '../tuf/index.ts';

/** A key that may sign for a role. */
export interface HierarchyKey {
  /** Canonical key ID, the name of its key file; the listed ID of a key that nobody can use. */
  readonly id: KeyId;
  /** `ecdsa`, `rsa`, `ed25519`; `unusable` for a key that verifies nothing. */
  readonly algorithm: string;
  /** Until when the certificate around it is valid, if there is one. */
  readonly certificateExpires?: Date;
  /** Whether it signed the file that is trusted now. */
  readonly signed: boolean;
}

/** A role, who may sign for it, and to whom it delegates. */
export interface HierarchyRole {
  readonly role: RoleName;
  readonly threshold: number;
  readonly keys: readonly HierarchyKey[];
  /** Of a delegation: the beginnings of names that it may sign; `''` is every name. */
  readonly paths?: readonly string[];
  /** The file that is trusted; without it the role has signed nothing, or what it signed is refused. */
  readonly file?: { readonly version: number; readonly expires: Date; readonly tags?: readonly string[] };
  /** Why what it signed is not trusted. */
  readonly refused?: string;
  readonly children: readonly HierarchyRole[];
}

/** A repository's keys as they hang together, from the root down. */
export interface KeyHierarchy {
  readonly gun: Gun;
  readonly root: HierarchyRole;
}

type Refused = ReadonlyMap<RoleName, { readonly error: VerificationError }>;

/** The hierarchy of a repository that a client has verified; `refused` are the delegations that it passed over. */
export function keyHierarchy(gun: Gun, targets: TrustedTargets, refused: Refused): KeyHierarchy {
  const { snapshot } = targets;
  const { timestamp } = snapshot;
  const { root } = timestamp;
  const online = [snapshot, timestamp].map((file) => {
    const { keys, role } = root.authority(file.role as typeof SNAPSHOT | typeof TIMESTAMP);
    return { ...about(file.role, role, keys, file.envelope), file: fileOf(file.signed), children: [] };
  });
  const own = root.authority(ROOT);
  return {
    gun,
    root: {
      ...about(ROOT, own.role, own.keys, root.envelope),
      file: fileOf(root.signed),
      children: [topTargets(targets, refused), ...online],
    },
  };
}

function topTargets(targets: TrustedTargets, refused: Refused): HierarchyRole {
  const { keys, role } = targets.snapshot.timestamp.root.authority(TARGETS);
  return targetsRole(TARGETS, role, keys, targets, refused);
}

function delegated(delegation: Delegation, targets: TrustedTargets, refused: Refused): HierarchyRole {
  const keys = targets.roles.get(parentRole(delegation.name))?.signed.delegations.keys ?? new Map();
  const { name, paths } = delegation;
  return { ...targetsRole(name, delegation, keys, targets, refused), paths };
}

function targetsRole(
  name: RoleName,
  role: RoleKeys,
  keys: ReadonlyMap<KeyId, PublicKey>,
  targets: TrustedTargets,
  refused: Refused,
): HierarchyRole {
  const file = targets.roles.get(name);
  const error = refused.get(name)?.error;
  return {
    ...about(name, role, keys, file?.envelope),
    ...(file === undefined ? {} : { file: { ...fileOf(file.signed), tags: [...file.signed.targets.keys()] } }),
    ...(error === undefined ? {} : { refused: error.message }),
    children: (file?.signed.delegations.roles ?? []).map((child) => delegated(child, targets, refused)),
  };
}

function about(
  name: RoleName,
  role: RoleKeys,
  keys: ReadonlyMap<KeyId, PublicKey>,
  envelope: Envelope | undefined,
): Pick<HierarchyRole, 'role' | 'threshold' | 'keys'> {
  const signed = new Set(envelope === undefined ? [] : countSignatures(envelope, keys, role).signed);
  return {
    role: name,
    threshold: role.threshold,
    keys: role.keyIds.map((id) => keyOf(id, keys.get(id), signed.has(id))),
  };
}

function keyOf(id: KeyId, key: PublicKey | undefined, signed: boolean): HierarchyKey {
  const canonical = canonicalIdOf(key);
  if (key === undefined || canonical === undefined) return { id, algorithm: 'unusable', signed };
  const expires = key.type.endsWith('-x509') ? { certificateExpires: certificateEnd(key) } : {};
  return { id: canonical, algorithm: verifyingKey(key).algorithm, ...expires, signed };
}

/** A key that can be used carries a certificate that can be read. */
function certificateEnd({ bytes }: PublicKey): Date {
  return new X509Certificate(bytes).validToDate;
}

function fileOf({ version, expires }: Pick<Signed, 'version' | 'expires'>) {
  return { version, expires };
}
