// SPDX-License-Identifier: Apache-2.0
import { traced } from '../service/index.ts';
import type { ServiceKeys } from '../signing/service-keys/index.ts';
import {
  type Gun,
  MetadataError,
  nextTimestamp,
  notaryV1,
  ROOT,
  type RoleName,
  type Root,
  SNAPSHOT,
  TARGETS,
  TIMESTAMP,
  VerificationError,
} from '../tuf/index.ts';
import type { Actor } from './actor.ts';
import { decodeStored } from './current-view.ts';
import { MAX_VERSION, type UpdateLimits } from './limits.ts';
import { heldKeys, isOvertaken, signOnline } from './online-keys.ts';
import { TrustProblem } from './problems.ts';
import { refusalKind, refusalOf, UpdateRefusal } from './refusals.ts';
import { acceptRoot } from './roots.ts';
import { checkSnapshot, makeSnapshot } from './snapshots.ts';
import { ConflictError, type FileHead, type MetadataStorage, type StoredFile } from './storage/index.ts';
import type { Upload, Uploads } from './uploads.ts';
import { clientContext, verifyAsClient } from './verification.ts';

/** What a publish needs from the world. */
export interface Publishing {
  readonly storage: MetadataStorage;
  readonly keys: ServiceKeys;
  readonly limits: UpdateLimits;
  readonly clock: () => Date;
}

/** A refresh of the timestamp, or another replica, may come between read and write. */
const ATTEMPTS = 5;

/**
 * Takes an update in: all of it, durably, or nothing. The server signs the timestamp, and the snapshot where the root
 * gives it the key; then everything goes through the stages of a client before it is stored (S9, S10).
 * @throws TrustProblem, UpdateRefusal, ConflictError, UnstorableNameError, OutcomeUnknownError
 */
export async function publish(gun: Gun, uploads: Uploads, deps: Publishing, actor: Actor): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptPublish(gun, uploads, deps, actor);
    } catch (error) {
      if (error instanceof VerificationError) throw refusalOf(error);
      // all of the update was read before: it is what another program stored
      if (error instanceof MetadataError) {
        const text = `what is stored of ${gun} cannot be read: ${error.message}`;
        throw new UpdateRefusal('ErrValidation', text, { cause: error });
      }
      // whoever came first stands: the update is judged again, on top of theirs
      if (!(error instanceof ConflictError || isOvertaken(error)) || attempt === ATTEMPTS) throw error;
    }
  }
}

interface Base {
  readonly root: StoredFile | undefined;
  readonly targets: StoredFile | undefined;
  readonly snapshot: StoredFile | undefined;
  readonly timestamp: StoredFile | undefined;
  /** The newest version of each of these and of every role of the update. */
  readonly heads: ReadonlyMap<RoleName, FileHead>;
}

async function attemptPublish(gun: Gun, uploads: Uploads, deps: Publishing, actor: Actor): Promise<void> {
  const { storage, keys, limits, clock } = deps;
  const now = clock();
  const base = await loadBase(gun, [...uploads.keys()], storage);
  const root = acceptRoot(base.root, uploads.get(ROOT), clientContext(gun, now));
  for (const upload of uploads.values()) {
    if (upload.role !== ROOT) checkVersion(upload, base.heads.get(upload.role), limits);
  }
  const snapshot = await takeSnapshot(gun, root.signed, root.file, uploads, base, { storage, keys }, now);
  const timestamp = await makeTimestamp(gun, root.signed, snapshot, base, keys, now);
  const candidate = { gun, root, uploads, snapshot, timestamp, baseline: base };
  const files = await traced('verification', { files: uploads.size }, () => verifyAsClient(candidate, storage));
  // only once it is known to be signed: it may name very many files
  await checkSnapshot(candidate, storage);
  await storage.commit(gun, base.timestamp, files, { now, actor });
}

/** All of one moment: whatever is written later makes the commit fail. What is named is mostly at hand already. */
async function loadBase(gun: Gun, updated: readonly RoleName[], storage: MetadataStorage): Promise<Base> {
  const heads = await storage.newest(gun, [...new Set([ROOT, TARGETS, SNAPSHOT, TIMESTAMP, ...updated])]);
  const load = async (role: RoleName): Promise<StoredFile | undefined> => {
    const head = heads.get(role);
    if (head === undefined) return undefined;
    // rows of the first versions of Notary have no hash
    return head.sha256 === '' ? storage.latest(gun, role) : storage.byHash(gun, role, head.sha256);
  };
  const [root, targets, snapshot, timestamp] = await Promise.all([ROOT, TARGETS, SNAPSHOT, TIMESTAMP].map(load));
  return { root, targets, snapshot, timestamp, heads };
}

/** S3: a version that nobody can exceed would lock everybody out, so it may grow only so far at a time. */
function checkVersion({ role, signed: { version } }: Upload, stored: FileHead | undefined, limits: UpdateLimits): void {
  const current = stored?.version ?? 0;
  if (version <= current) throw new TrustProblem('VERSION', {});
  if (version > current + limits.versionJump || version > MAX_VERSION) {
    throw new UpdateRefusal(refusalKind(role), `${role} version ${version} is too far above version ${current}`);
  }
}

async function takeSnapshot(
  gun: Gun,
  root: Root,
  rootFile: Uint8Array,
  uploads: Uploads,
  base: Base,
  { storage, keys }: Pick<Publishing, 'storage' | 'keys'>,
  now: Date,
): Promise<Uint8Array> {
  const uploaded = uploads.get(SNAPSHOT);
  if (uploaded !== undefined) return uploaded.bytes;
  const held = await heldKeys(keys, gun, SNAPSHOT, root);
  if (held.size === 0) {
    throw new UpdateRefusal('ErrBadHierarchy', 'the update has no snapshot, and the server holds no snapshot key', {
      missing: SNAPSHOT,
    });
  }
  const previous = base.snapshot && decodeStored('snapshot', base.snapshot);
  return signOnline(keys, held, await makeSnapshot(gun, previous, rootFile, uploads, storage, now));
}

async function makeTimestamp(
  gun: Gun,
  root: Root,
  snapshot: Uint8Array,
  base: Base,
  keys: ServiceKeys,
  now: Date,
): Promise<Uint8Array> {
  const held = await heldKeys(keys, gun, TIMESTAMP, root);
  if (held.size === 0) throw new UpdateRefusal('ErrBadRoot', 'no timestamp keys exist on the server');
  const previous = base.timestamp && decodeStored('timestamp', base.timestamp);
  return signOnline(keys, held, nextTimestamp(previous, notaryV1.pin(snapshot), now));
}
