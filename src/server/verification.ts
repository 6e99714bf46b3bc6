// SPDX-License-Identifier: Apache-2.0
import {
  type Gun,
  notaryV1,
  parentRole,
  ROOT,
  type RoleName,
  type Signed,
  SNAPSHOT,
  sha256Hex,
  TARGETS,
  TIMESTAMP,
  type TrustedRoot,
  type TrustedSnapshot,
  type TrustedTargets,
  type UpdateContext,
} from '../tuf/index.ts';
import { pinnedHash } from './current-view.ts';
import { MAX_LISTED_ROLES } from './limits.ts';
import { UpdateRefusal } from './refusals.ts';
import type { MetadataFile, MetadataStorage, VerifiedFile } from './storage/index.ts';
import type { Uploads } from './uploads.ts';

/** What a client does not remember when it meets a repository for the first time: nothing. */
export function clientContext(gun: Gun, now: Date): UpdateContext {
  return { dialect: notaryV1, gun, now, marks: new Map() };
}

/** The highest versions in storage: the baseline below which nothing may fall. */
export interface Baseline {
  readonly timestamp: MetadataFile | undefined;
  readonly snapshot: MetadataFile | undefined;
  readonly targets: MetadataFile | undefined;
}

/** What the server made or was given on top of a root. */
export interface Online {
  readonly root: TrustedRoot;
  readonly snapshot: Uint8Array;
  readonly timestamp: Uint8Array;
  readonly baseline: Pick<Baseline, 'timestamp' | 'snapshot'>;
}

/** The files that would lead a client, as they would be after the update. */
export interface Candidate extends Online {
  readonly gun: Gun;
  readonly uploads: Uploads;
  readonly baseline: Baseline;
}

/**
 * Goes through the candidate as a client would, and gives the files that are new, in the order in which they are stored.
 * Delegations that are not part of the update are left alone: one that is broken already stays as it is, and a client
 * passes over it.
 * @throws VerificationError, UpdateRefusal
 */
export async function verifyAsClient(candidate: Candidate, storage: MetadataStorage): Promise<readonly VerifiedFile[]> {
  const { root, uploads } = candidate;
  const { snapshot, files } = verifyStages(candidate);
  await verifyTargets(candidate, snapshot, storage);
  const added = [...uploads.values()]
    .filter(({ role }) => role !== ROOT && role !== SNAPSHOT)
    .sort((a, b) => byDepth(a.role, b.role))
    .map(({ role, bytes, signed }) => mint(role, signed, bytes));
  return [...(uploads.has(ROOT) ? [mint(ROOT, root.signed, root.file)] : []), ...added, ...files];
}

/** As {@link verifyAsClient}, for a timestamp and snapshot made anew over the same targets. @throws VerificationError */
export function verifyOnline(online: Online): readonly VerifiedFile[] {
  return verifyStages(online).files;
}

function verifyStages({ root, timestamp, snapshot, baseline }: Online) {
  const trustedTimestamp = root.updateTimestamp(timestamp, baseline.timestamp?.bytes);
  const trusted = trustedTimestamp.updateSnapshot(snapshot, baseline.snapshot?.bytes);
  if (trusted.signed.meta.size > MAX_LISTED_ROLES) {
    throw new UpdateRefusal('ErrBadSnapshot', `snapshot lists more than ${MAX_LISTED_ROLES} roles`);
  }
  const isNew = snapshot !== baseline.snapshot?.bytes;
  const files = [
    ...(isNew ? [mint(SNAPSHOT, trusted.signed, snapshot)] : []),
    mint(TIMESTAMP, trustedTimestamp.signed, timestamp),
  ];
  return { snapshot: trusted, files };
}

function mint(role: RoleName, { version, expires }: Signed, bytes: Uint8Array): VerifiedFile {
  return { role, version, expires, bytes, sha256: sha256Hex(bytes) } as VerifiedFile;
}

/** Parents before children. */
export function byDepth(a: RoleName, b: RoleName): number {
  return a.split('/').length - b.split('/').length || (a < b ? -1 : 1);
}

/** Top-level targets, every delegation of the update, and all that stand between. */
async function verifyTargets(
  candidate: Candidate,
  snapshot: TrustedSnapshot,
  storage: MetadataStorage,
): Promise<TrustedTargets> {
  const { gun, uploads, baseline } = candidate;
  const file = async (role: RoleName): Promise<Uint8Array> => {
    const uploaded = uploads.get(role)?.bytes;
    const pin = snapshot.signed.meta.get(role);
    const found = uploaded ?? (pin && (await storage.byHash(gun, role, pinnedHash(pin)))?.bytes);
    if (found !== undefined) return found;
    throw new UpdateRefusal('ErrBadSnapshot', `snapshot names a ${role} that does not exist`);
  };
  let targets = snapshot.updateTargets(await file(TARGETS), baseline.targets?.bytes);
  const needed = new Set([...uploads.keys()].flatMap(ancestry));
  for (const role of [...needed].sort(byDepth)) {
    const parent = parentRole(role);
    const delegations = targets.roles.get(parent)?.signed.delegations.roles ?? [];
    if (!delegations.some(({ name }) => name === role)) {
      throw new UpdateRefusal('ErrBadTargets', `tuf: invalid role ${role}. delegation does not exist`);
    }
    targets = targets.delegate(parent, role, await file(role));
  }
  return targets;
}

/** `targets/a/b` → `targets/a`, `targets/a/b`; nothing for a top-level role. */
function ancestry(role: RoleName): RoleName[] {
  const parts = role.split('/');
  return parts.slice(1).map((_, depth) => parts.slice(0, depth + 2).join('/') as RoleName);
}
