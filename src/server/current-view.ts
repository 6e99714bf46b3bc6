// SPDX-License-Identifier: Apache-2.0
import { encodeHex } from '../encoding/index.ts';
import {
  type Gun,
  MetadataError,
  type MetaFile,
  notaryV1,
  type RoleName,
  type Signed,
  type SignedOf,
  SNAPSHOT,
  type Snapshot,
  TIMESTAMP,
  type Timestamp,
} from '../tuf/index.ts';
import type { MetadataFile, MetadataStorage, StoredFile } from './storage/index.ts';

/** What a client that asks now would be led to: the current timestamp and the snapshot that it names. */
export interface CurrentView {
  readonly timestamp: StoredFile;
  readonly signedTimestamp: Timestamp;
  /** Absent when the timestamp names bytes that nobody has, as the original server could leave it (reference 2.4). */
  readonly snapshot: StoredFile | undefined;
  /** Absent as well where another program stored what cannot be read here. */
  readonly signedSnapshot: Snapshot | undefined;
}

/** A timestamp names its snapshot for good: a view is made once for as long as the timestamp stays in memory. */
const views = new WeakMap<StoredFile, CurrentView>();

export async function currentView(storage: MetadataStorage, gun: Gun): Promise<CurrentView | undefined> {
  const timestamp = await storage.current(gun, TIMESTAMP);
  if (timestamp === undefined) return undefined;
  const known = views.get(timestamp);
  if (known !== undefined) return known;
  const view = await viewOf(storage, gun, timestamp);
  if (view.snapshot !== undefined) views.set(timestamp, view);
  return view;
}

async function viewOf(storage: MetadataStorage, gun: Gun, timestamp: StoredFile): Promise<CurrentView> {
  const signedTimestamp = decodeStored('timestamp', timestamp);
  const snapshot = await storage.byHash(gun, SNAPSHOT, pinnedHash(signedTimestamp.snapshot));
  return { timestamp, signedTimestamp, snapshot, signedSnapshot: snapshot && readable(snapshot) };
}

function readable(snapshot: StoredFile): Snapshot | undefined {
  try {
    return decodeStored('snapshot', snapshot);
  } catch (error) {
    if (error instanceof MetadataError) return undefined;
    throw error;
  }
}

/**
 * The file of a role as the view's snapshot names it; a role that the snapshot does not list has none. Where nobody can tell
 * what it lists, the newest is given, for clients to judge.
 */
export async function currentFile(
  storage: MetadataStorage,
  gun: Gun,
  role: RoleName,
  view: CurrentView,
): Promise<StoredFile | undefined> {
  if (role === TIMESTAMP) return view.timestamp;
  if (role === SNAPSHOT) return view.snapshot;
  if (view.snapshot !== undefined && view.signedSnapshot === undefined) return storage.current(gun, role);
  const pin = view.signedSnapshot?.meta.get(role);
  return pin && storage.byHash(gun, role, pinnedHash(pin));
}

/** Hex of the hash by which storage finds the file; the dialect sees to it that a pin has one. */
export function pinnedHash(pin: MetaFile): string {
  return encodeHex(pin.hashes?.get('sha256') ?? new Uint8Array());
}

const decoded = new WeakMap<MetadataFile, Signed>();

/** What a stored file says; read once for as long as the file stays in the cache. */
export function decodeStored<K extends Signed['type']>(kind: K, file: MetadataFile): SignedOf<K> {
  const known = decoded.get(file);
  if (known?.type === kind) return known as SignedOf<K>;
  const { signed } = notaryV1.decode(kind, file.bytes);
  decoded.set(file, signed as Signed);
  return signed;
}
