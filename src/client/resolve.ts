// SPDX-License-Identifier: Apache-2.0
import { encodeHex } from '../encoding/index.ts';
import {
  allSigners,
  type FoundTarget,
  findTarget,
  listTargets,
  RELEASES,
  ROOT,
  type RoleName,
  TARGETS,
  type TargetFile,
  VerificationError,
} from '../tuf/index.ts';
import type { TrustedRepository } from './updater.ts';

/** Docker consults `targets/releases` before `targets`. */
const DOCKER_ROLES: readonly RoleName[] = [RELEASES, TARGETS];

/** A tag and the one content that was signed for it. */
export interface TrustedTag {
  readonly tag: string;
  /** `sha256:<hex>` of the manifest. */
  readonly digest: string;
  /** Bytes of the manifest. */
  readonly size: number;
  /** The role by which it is trusted: `targets/releases` or `targets`. */
  readonly role: RoleName;
  /** Every role that signs this very digest for the tag, that one included. */
  readonly signers: readonly RoleName[];
  /** When the first of the files that it rests on expires. */
  readonly expires: Date;
}

/**
 * The digest that was signed for `tag`, as Docker resolves it: `targets/releases`, then `targets`, and no other role
 * (reference 10.4). Where `targets/releases` exists but is expired or lacks signatures, nothing is resolved: falling
 * through to `targets` could bring back a release that was replaced.
 * @throws VerificationError `unsigned`, or what `targets/releases` was refused for
 */
export function resolveTag(repository: TrustedRepository, tag: string): TrustedTag {
  failIfRefused(repository);
  const found = findTarget(repository.targets.roles, tag, DOCKER_ROLES);
  if (found === undefined) throw new VerificationError('unsigned', TARGETS, `No valid trust data for ${tag}`);
  if (!DOCKER_ROLES.includes(found.role)) {
    throw new VerificationError('unsigned', found.role, `No trust data for ${tag}: only ${found.role} signs it`);
  }
  return trustedTag(repository, found);
}

/** Every tag that {@link resolveTag} would resolve, in natural order. */
export function listTags(repository: TrustedRepository): readonly TrustedTag[] {
  failIfRefused(repository);
  const inNaturalOrder = new Intl.Collator('en', { numeric: true });
  const found = [...listTargets(repository.targets.roles, DOCKER_ROLES).values()];
  return found
    .filter(({ role, target }) => DOCKER_ROLES.includes(role) && target.hashes.has('sha256'))
    .sort((a, b) => inNaturalOrder.compare(a.path, b.path))
    .map((target) => trustedTag(repository, target));
}

function failIfRefused({ refused }: TrustedRepository): void {
  // root and targets are refused only for a publisher, who may renew what has expired and resolve nothing by it
  const found = refused.get(ROOT) ?? refused.get(TARGETS) ?? refused.get(RELEASES);
  if (found !== undefined) throw found.error;
}

function trustedTag(repository: TrustedRepository, { path, role, target }: FoundTarget): TrustedTag {
  const signers = allSigners(repository.targets.roles, path).filter((other) => sameDigest(other.target, target));
  return {
    tag: path,
    digest: digestOf(path, role, target),
    size: target.length,
    role,
    signers: [...new Set([role, ...signers.map((signer) => signer.role)])],
    expires: expiryOf(repository, role),
  };
}

function sameDigest(a: TargetFile, b: TargetFile): boolean {
  const [x, y] = [a.hashes.get('sha256'), b.hashes.get('sha256')];
  return x !== undefined && y !== undefined && encodeHex(x) === encodeHex(y);
}

function digestOf(path: string, role: RoleName, { hashes }: TargetFile): string {
  const sha256 = hashes.get('sha256');
  if (sha256 === undefined)
    throw new VerificationError('unsigned', role, `no valid hash for ${path}, expecting sha256`);
  return `sha256:${encodeHex(sha256)}`;
}

function expiryOf({ targets }: TrustedRepository, role: RoleName): Date {
  const { snapshot, roles } = targets;
  const files = [snapshot.timestamp.root, snapshot.timestamp, snapshot, roles.get(TARGETS), roles.get(role)];
  return new Date(Math.min(...files.flatMap((file) => (file === undefined ? [] : [file.signed.expires.getTime()]))));
}
