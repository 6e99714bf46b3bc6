// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../encoding/index.ts';
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
  TrustedRoot,
  type TrustedSnapshot,
  type TrustedTargets,
  type UpdateContext,
  VerificationError,
  type Version,
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

/** A whole repository as it was copied from another server, byte for byte. */
export interface CopiedCollection {
  readonly gun: Gun;
  /** Each one version above the last; the last one is the current. */
  readonly roots: readonly { readonly version: Version; readonly file: Uint8Array }[];
  /** The current files of all other roles. */
  readonly files: ReadonlyMap<RoleName, Uint8Array>;
  /** The moment of the copy, by which expiry is judged: what has expired since, clients refuse by themselves. */
  readonly at: Date;
}

/**
 * Goes through a copy as a client would at the moment when it was made, on top of what this server has of the repository:
 * its root must lead to the copy's, and no role may go back. Gives what is new, roots and parents first. A delegation that
 * clients pass over, for its expiry or its signatures, is given as well, since they give up where its file cannot be had.
 * @throws VerificationError
 */
export function verifyCopy(
  copy: CopiedCollection,
  stored: ReadonlyMap<RoleName, MetadataFile>,
): readonly VerifiedFile[] {
  const { gun, at } = copy;
  const { root, minted: roots } = verifyRoots(copy, stored.get(ROOT), clientContext(gun, at));
  const file = (role: RoleName): Uint8Array => {
    const bytes = copy.files.get(role);
    if (bytes === undefined) throw new VerificationError('malformed', role, `the copy of ${gun} has no ${role}`);
    return bytes;
  };
  const cached = (role: RoleName): Uint8Array | undefined => stored.get(role)?.bytes;
  const timestamp = root.updateTimestamp(file(TIMESTAMP), cached(TIMESTAMP));
  const snapshot = timestamp.updateSnapshot(file(SNAPSHOT), cached(SNAPSHOT));
  const targets = snapshot.updateTargets(file(TARGETS), cached(TARGETS));
  const files = [
    ...roots,
    mint(TARGETS, targets.roles.get(TARGETS)?.signed as Signed, file(TARGETS)),
    ...mintDelegations(targets, file, cached),
    mint(SNAPSHOT, snapshot.signed, file(SNAPSHOT)),
    mint(TIMESTAMP, timestamp.signed, file(TIMESTAMP)),
  ];
  return files.filter((one) => isNewer(one, stored.get(one.role)));
}

/** The chain of the copy's roots, begun where this server's root stands. */
function verifyRoots({ gun, roots }: CopiedCollection, stored: MetadataFile | undefined, context: UpdateContext) {
  const later = roots.filter(({ version }) => stored === undefined || version > stored.version);
  const [first, ...rest] = stored === undefined ? later : [{ file: stored.bytes }, ...later];
  const same = roots.find(({ version }) => version === stored?.version);
  if (stored !== undefined && same !== undefined && !equalBytes(same.file, stored.bytes)) {
    throw new VerificationError('root-chain', ROOT, `this server has another root ${stored.version} of ${gun}`);
  }
  if (first === undefined) throw new VerificationError('unsigned', ROOT, `the copy of ${gun} has no root`);
  if (stored !== undefined && same === undefined && later.length === 0) {
    throw new VerificationError('rollback', ROOT, `this server has a newer root of ${gun}: ${stored.version}`);
  }
  let root = TrustedRoot.load(first.file, context);
  const minted = stored === undefined ? [mint(ROOT, root.signed, root.file)] : [];
  for (const { file } of rest) {
    root = root.updateRoot(file);
    minted.push(mint(ROOT, root.signed, root.file));
  }
  return { root, minted };
}

function mintDelegations(
  top: TrustedTargets,
  file: (role: RoleName) => Uint8Array,
  cached: (role: RoleName) => Uint8Array | undefined,
): readonly VerifiedFile[] {
  const minted: VerifiedFile[] = [];
  let targets = top;
  const listed = top.snapshot.signed.meta;
  const waiting: RoleName[] = [TARGETS];
  for (const parent of waiting) {
    for (const { name } of targets.roles.get(parent)?.signed.delegations.roles ?? []) {
      if (!listed.has(name) || minted.some(({ role }) => role === name)) continue;
      const bytes = file(name);
      try {
        targets = targets.delegate(parent, name, bytes, cached(name));
        waiting.push(name);
      } catch (error) {
        const isPassedOver = error instanceof VerificationError && ['expired', 'threshold'].includes(error.code);
        if (!isPassedOver) throw error;
      }
      minted.push(mint(name, notaryV1.decode('targets', bytes).signed, bytes));
    }
  }
  return minted;
}

/** @throws VerificationError `rollback` if this server has a newer file, or another one of the same version */
function isNewer({ role, version, bytes }: VerifiedFile, stored: MetadataFile | undefined): boolean {
  if (stored === undefined || version > stored.version) return true;
  if (version === stored.version && equalBytes(bytes, stored.bytes)) return false;
  throw new VerificationError('rollback', role, `this server has ${role} ${stored.version}, the copy ${version}`, {
    expected: String(stored.version),
    actual: String(version),
  });
}
