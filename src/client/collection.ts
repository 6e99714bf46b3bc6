// SPDX-License-Identifier: Apache-2.0
import {
  type Dialect,
  type Gun,
  ROOT,
  type RoleName,
  SNAPSHOT,
  TIMESTAMP,
  TrustedRoot,
  VerificationError,
  type Version,
} from '../tuf/index.ts';
import type { Fetcher } from './fetcher.ts';
import { MAX_ROOT_BYTES, MAX_ROOT_UPDATES } from './limits.ts';
import type { TrustedRepository } from './updater.ts';

/** All that any client needs of a repository, from whatever root it trusts on: public, and byte for byte as it came. */
export interface Collection {
  readonly gun: Gun;
  /** Every root from the oldest that was there, each one version above the last; the last one is the current. */
  readonly roots: readonly { readonly version: Version; readonly file: Uint8Array }[];
  /** The current files of all other roles that the snapshot leads to, those that clients pass over included. */
  readonly files: ReadonlyMap<RoleName, Uint8Array>;
}

export interface CollectionOptions {
  readonly repository: TrustedRepository;
  readonly fetcher: Fetcher;
  readonly dialect: Dialect;
  /** The moment of the copy. */
  readonly now: Date;
}

/**
 * The whole of a repository that was just verified. The roots before the current one are fetched, and trusted only as far
 * as their chain leads to that very file.
 * @throws VerificationError `root-chain`, DownloadError
 */
export async function fetchCollection(options: CollectionOptions): Promise<Collection> {
  const { gun, targets, refused } = options.repository;
  const { snapshot } = targets;
  const files = new Map<RoleName, Uint8Array>([
    [TIMESTAMP, snapshot.timestamp.file],
    [SNAPSHOT, snapshot.file],
  ]);
  for (const [role, { file }] of targets.roles) files.set(role, file);
  // clients pass over a role that they refuse, but give up when its file cannot be had
  for (const [role, { file }] of refused) if (file !== undefined) files.set(role, file);
  return { gun, roots: await fetchRoots(options), files };
}

async function fetchRoots({ repository, fetcher, dialect, now }: CollectionOptions): Promise<Collection['roots']> {
  const { gun } = repository;
  const current = repository.targets.snapshot.timestamp.root;
  const files = [current.file];
  for (let version = current.signed.version - 1; version >= 1 && files.length < MAX_ROOT_UPDATES; version--) {
    const name = dialect.fileName(ROOT, { version: version as Version });
    const file = await fetcher.fetch(gun, name, MAX_ROOT_BYTES);
    if (file === undefined) break;
    files.unshift(file);
  }
  return chainOf(gun, files, dialect, now);
}

/**
 * The roots as a chain, oldest first. The newest vouches for those before it: its bytes are trusted, and each root has to
 * be signed by the keys of the one before. @throws VerificationError
 */
export function chainOf(gun: Gun, files: readonly Uint8Array[], dialect: Dialect, now: Date): Collection['roots'] {
  const [oldest, ...later] = files;
  if (oldest === undefined) throw new VerificationError('unsigned', ROOT, `${gun} has no root`);
  const context = { dialect, gun, now, marks: new Map() };
  let root = TrustedRoot.load(oldest, context);
  const chain = [{ version: root.signed.version, file: oldest }];
  for (const file of later) {
    root = root.updateRoot(file);
    chain.push({ version: root.signed.version, file });
  }
  return chain;
}

/** One file of a collection under a name by which clients ask for it. */
export interface NamedFile {
  /** As on the wire, below `_trust/tuf/`. */
  readonly name: string;
  readonly role: RoleName;
  readonly file: Uint8Array;
}

/** Every name under which a client may ask for a file of the collection: by role, by hash, and roots by version. */
export function namedFiles({ roots, files }: Collection, dialect: Dialect): readonly NamedFile[] {
  const current = roots.at(-1);
  const named: NamedFile[] = roots.map(({ version, file }) => ({
    name: dialect.fileName(ROOT, { version }),
    role: ROOT,
    file,
  }));
  const byRole = new Map(current === undefined ? files : [[ROOT, current.file] as const, ...files]);
  for (const [role, file] of byRole) {
    named.push({ name: dialect.fileName(role), role, file });
    if (role !== TIMESTAMP) named.push({ name: dialect.fileName(role, dialect.pin(file)), role, file });
  }
  return named;
}
