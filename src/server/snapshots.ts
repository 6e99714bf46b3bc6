// SPDX-License-Identifier: Apache-2.0
import {
  type Gun,
  isTopLevel,
  type MetaFile,
  nextSnapshot,
  notaryV1,
  parentRole,
  ROOT,
  type RoleName,
  SNAPSHOT,
  type Snapshot,
  TARGETS,
  type Targets,
} from '../tuf/index.ts';
import { decodeStored, pinnedHash } from './current-view.ts';
import { UpdateRefusal } from './refusals.ts';
import type { MetadataStorage, StoredFile } from './storage/index.ts';
import type { Uploads } from './uploads.ts';
import { byDepth, type Candidate } from './verification.ts';

/**
 * The snapshot that the server makes: the previous one with the files of this update, and without delegations that
 * nobody delegates to any more. Hashes are over the very bytes that are served (reference 2.4).
 * @throws UpdateRefusal if there are no targets
 */
export async function makeSnapshot(
  gun: Gun,
  previous: Snapshot | undefined,
  root: Uint8Array,
  uploads: Uploads,
  storage: MetadataStorage,
  now: Date,
): Promise<Snapshot> {
  const meta = new Map<RoleName, MetaFile | null>([[ROOT, notaryV1.pin(root)]]);
  const kept = new Map<RoleName, Targets>();
  const roles = new Set([TARGETS, ...(previous?.meta.keys() ?? []), ...uploads.keys()]);
  for (const role of [...roles].sort(byDepth)) {
    if (isTopLevel(role) && role !== TARGETS) continue;
    const upload = uploads.get(role);
    const file = upload ?? (await storedTargets(gun, role, previous, storage));
    if (file === undefined && role === TARGETS)
      throw new UpdateRefusal('ErrValidation', 'targets must be loaded first');
    if (file === undefined || !isDelegated(role, kept)) {
      meta.set(role, null);
    } else {
      meta.set(role, notaryV1.pin(file.bytes));
      kept.set(role, upload === undefined ? decodeStored('targets', file as StoredFile) : (upload.signed as Targets));
    }
  }
  return nextSnapshot(previous, meta, now);
}

/** The file that the previous snapshot names; the newest where it names bytes that do not exist. */
async function storedTargets(
  gun: Gun,
  role: RoleName,
  previous: Snapshot | undefined,
  storage: MetadataStorage,
): Promise<StoredFile | undefined> {
  const pin = previous?.meta.get(role);
  return (pin && (await storage.byHash(gun, role, pinnedHash(pin)))) ?? storage.latest(gun, role);
}

function isDelegated(role: RoleName, parents: ReadonlyMap<RoleName, Targets>): boolean {
  if (role === TARGETS) return true;
  const delegations = parents.get(parentRole(role))?.delegations.roles;
  return delegations?.some(({ name }) => name === role) ?? false;
}

/**
 * That a snapshot made by a publisher leads clients to files that exist, and to none older than they saw
 * (W client snapshot may omit or misstate roles). @throws UpdateRefusal
 */
export async function checkSnapshot({ gun, uploads, baseline }: Candidate, storage: MetadataStorage): Promise<void> {
  const uploaded = uploads.get(SNAPSHOT);
  if (uploaded === undefined) return;
  const previous = baseline.snapshot && decodeStored('snapshot', baseline.snapshot);
  for (const [role, pin] of (uploaded.signed as Snapshot).meta) {
    // an uploaded file is held against its pin by the client's own stages
    if (uploads.has(role)) continue;
    const file = await storage.byHash(gun, role, pinnedHash(pin));
    if (file === undefined || pin.length !== file.bytes.length) {
      throw new UpdateRefusal('ErrBadSnapshot', `snapshot names a ${role} that does not exist`);
    }
    const before = previous?.meta.get(role);
    const old = before && (await storage.byHash(gun, role, pinnedHash(before)));
    if (old !== undefined && file.version < old.version) {
      throw new UpdateRefusal('ErrBadSnapshot', `snapshot goes back from ${role} ${old.version} to ${file.version}`);
    }
  }
}
