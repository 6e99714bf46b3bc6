// SPDX-License-Identifier: Apache-2.0
import { encodeHex } from '../encoding/index.ts';
import {
  allDelegations,
  allSigners,
  canonicalIdOf,
  type FoundTarget,
  type Gun,
  type KeyId,
  type PublicKey,
  parentRole,
  RELEASES,
  type RoleKeys,
  type RoleName,
  TARGETS,
  type TrustedTargets,
} from '../tuf/index.ts';
import { naturalOrder } from './natural-order.ts';

/** A tag as `docker trust inspect` shows it. */
export interface ReportedTag {
  readonly tag: string;
  /** Hex SHA-256 of the manifest. */
  readonly sha256: string;
  readonly size: number;
  /** Names of the signers; empty if only the repository's own key signed. */
  readonly signers: readonly string[];
}

export interface ReportedSigner {
  readonly name: string;
  /** Canonical key IDs: those of the key files. */
  readonly keyIds: readonly KeyId[];
}

/** One metadata file that is trusted. */
export interface ReportedRole {
  readonly role: RoleName;
  readonly version: number;
  readonly expires: Date;
  readonly threshold: number;
  readonly keyIds: readonly KeyId[];
}

/** Who signed what in a repository, and until when. */
export interface TrustReport {
  readonly gun: Gun;
  /** Tags that `targets` or `targets/releases` signs, in natural order. */
  readonly tags: readonly ReportedTag[];
  readonly signers: readonly ReportedSigner[];
  /** Key IDs of the root certificates and of the targets keys. */
  readonly administrators: { readonly root: readonly KeyId[]; readonly repository: readonly KeyId[] };
  readonly roles: readonly ReportedRole[];
}

/** The report of a repository that a client has verified. */
export function trustReport(gun: Gun, targets: TrustedTargets): TrustReport {
  const root = targets.snapshot.timestamp.root.signed;
  const rolesOf = (name: 'root' | 'targets') => root.roles.get(name)?.keyIds ?? [];
  return {
    gun,
    tags: tagsOf(targets),
    signers: signersOf(targets),
    administrators: { root: rolesOf('root'), repository: rolesOf('targets') },
    roles: filesOf(targets),
  };
}

/** Tag and digest pairs of the two roles that Docker trusts; whoever else signs the same pair is its signer. */
function tagsOf(targets: TrustedTargets): readonly ReportedTag[] {
  const signed = allSigners(targets.roles).flatMap((found) => withDigest(found));
  const released = signed.filter(({ found }) => found.role === TARGETS || found.role === RELEASES);
  const signers = new Map<string, string[]>();
  for (const { found, pair } of signed) {
    if (found.role === TARGETS || found.role === RELEASES) continue;
    signers.set(pair, [...(signers.get(pair) ?? []), signerName(found.role)]);
  }
  const unique = new Map(released.map((entry) => [entry.pair, entry]));
  return [...unique.values()]
    .map(({ found, pair, sha256 }) => ({
      tag: found.path,
      sha256,
      size: found.target.length,
      signers: [...(signers.get(pair) ?? [])].sort(),
    }))
    .sort((a, b) => naturalOrder(a.tag, b.tag));
}

function withDigest(found: FoundTarget): { found: FoundTarget; sha256: string; pair: string }[] {
  const bytes = found.target.hashes.get('sha256');
  if (bytes === undefined) return [];
  const sha256 = encodeHex(bytes);
  return [{ found, sha256, pair: `${found.path}\n${sha256}` }];
}

/** Docker calls a delegation by its name below `targets`; `releases` is where the signed tags are collected. */
function signerName(role: RoleName): string {
  return role.slice(TARGETS.length + 1);
}

function signersOf({ roles }: TrustedTargets): readonly ReportedSigner[] {
  return allDelegations(roles)
    .filter(({ name }) => name !== RELEASES)
    .map((delegation) => ({
      name: signerName(delegation.name),
      keyIds: canonicalIds(delegation, keysFor(roles, delegation.name)),
    }))
    .sort((a, b) => (a.name < b.name ? 1 : -1));
}

function keysFor(roles: TrustedTargets['roles'], delegation: RoleName): ReadonlyMap<KeyId, PublicKey> {
  return roles.get(parentRole(delegation))?.signed.delegations.keys ?? new Map();
}

function canonicalIds({ keyIds }: RoleKeys, keys: ReadonlyMap<KeyId, PublicKey>): readonly KeyId[] {
  return keyIds.flatMap((id) => canonicalIdOf(keys.get(id)) ?? []);
}

function filesOf(targets: TrustedTargets): readonly ReportedRole[] {
  const { snapshot, roles } = targets;
  const { timestamp } = snapshot;
  const { root } = timestamp;
  const top = [root, timestamp, snapshot].map((file) => ({ file, keys: root.authority(file.role as 'root').role }));
  const delegations = new Map(
    allDelegations(roles).map((delegation): [RoleName, RoleKeys] => [delegation.name, delegation]),
  );
  const signed = [...roles.values()].map((file) => ({
    file,
    keys: file.role === TARGETS ? root.authority('targets').role : delegations.get(file.role),
  }));
  return [...top, ...signed].flatMap(({ file, keys }) =>
    keys === undefined
      ? []
      : [
          {
            role: file.role,
            version: file.signed.version,
            expires: file.signed.expires,
            threshold: keys.threshold,
            keyIds: keys.keyIds,
          },
        ],
  );
}
