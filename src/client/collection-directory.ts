// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DecodeError, decodeJsonObject, encodeUtf8 } from '../encoding/index.ts';
import {
  type Dialect,
  type Gun,
  isTopLevel,
  MetadataError,
  type MetaFile,
  parseGun,
  ROOT,
  type RoleName,
  SNAPSHOT,
  sha256Hex,
  TIMESTAMP,
  type Version,
} from '../tuf/index.ts';
import { type Collection, chainOf, namedFiles } from './collection.ts';
import { TrustDirectoryError } from './errors.ts';
import { readIfThere, replaceFile } from './files.ts';

/** What an archive says of itself. Nothing rests on it: whoever reads the archive verifies the files anew. */
export interface ArchiveNote {
  readonly gun: Gun;
  /** The trust server that it was copied from. */
  readonly from: string;
  readonly archivedAt: Date;
}

const NOTE = 'archive.json';

/**
 * Writes a collection below `directory` under the paths of the trust server's API, so that any web server can serve the
 * directory in its place: wholly, or not at all. What was there is replaced.
 * @returns the collection's own directory
 * @throws TrustDirectoryError
 */
export function writeCollection(
  directory: string,
  collection: Collection,
  about: Omit<ArchiveNote, 'gun'>,
  dialect: Dialect,
): string {
  const place = placeOf(directory, collection.gun);
  const fresh = `${place}.${randomBytes(6).toString('hex')}.tmp`;
  const named = namedFiles(collection, dialect);
  try {
    for (const { name, file } of named) replaceFile(join(fresh, 'tuf', ...name.split('/')), file);
    const note = {
      gun: collection.gun,
      from: about.from,
      archivedAt: about.archivedAt.toISOString(),
      files: named.map(({ name, role, file }) => ({ name, role, length: file.length, sha256: sha256Hex(file) })),
    };
    replaceFile(join(fresh, NOTE), encodeUtf8(`${JSON.stringify(note, null, 2)}\n`));
    swap(fresh, place);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return place;
}

/** A directory cannot be renamed over one with content: the old one steps aside first, and goes last. */
function swap(fresh: string, place: string): void {
  const old = `${fresh}.old`;
  try {
    try {
      renameSync(place, old);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    renameSync(fresh, place);
  } catch (cause) {
    putBack(old, place);
    throw new TrustDirectoryError('unwritable', place, `cannot write ${place}`, { cause });
  }
  rmSync(old, { recursive: true, force: true });
}

/** What was there is there again, unless the new one is in its place all the same. */
function putBack(old: string, place: string): void {
  try {
    renameSync(old, place);
  } catch {
    if (existsSync(place)) rmSync(old, { recursive: true, force: true });
  }
}

/** A collection read from an archive, its roots a chain; signatures and pins are for whoever imports it to judge. */
export interface ArchivedCollection extends Collection {
  readonly note: ArchiveNote;
}

/**
 * @throws TrustDirectoryError `unreadable` if there is none, `damaged`; VerificationError if its roots are no chain
 */
export function readCollection(directory: string, gun: Gun, dialect: Dialect): ArchivedCollection {
  const place = placeOf(directory, gun);
  const note = readNote(place, gun);
  const read = (role: RoleName): Uint8Array => {
    const file = readFileOf(place, role, dialect);
    if (file === undefined) throw damaged(place, `it has no ${role}`);
    return file;
  };
  try {
    const roots = [read(ROOT)];
    for (let version = dialect.decode('root', roots[0] as Uint8Array).signed.version - 1; version >= 1; version--) {
      const file = readIfThere(join(place, 'tuf', dialect.fileName(ROOT, { version: version as Version })));
      if (file === undefined) break;
      roots.unshift(file);
    }
    const snapshot = read(SNAPSHOT);
    const listed = dialect.decode('snapshot', snapshot).signed.meta;
    const files = new Map<RoleName, Uint8Array>([
      [TIMESTAMP, read(TIMESTAMP)],
      [SNAPSHOT, snapshot],
    ]);
    for (const [role, pin] of listed) {
      if (role === ROOT) continue;
      const file = readFileOf(place, role, dialect, pin);
      if (file !== undefined) files.set(role, file);
      // below a role that clients pass over, or delegated no more: an archive has what clients ask for
      else if (isTopLevel(role)) throw damaged(place, `it has no ${role}`);
    }
    return { gun, roots: chainOf(gun, roots, dialect, note.archivedAt), files, note };
  } catch (cause) {
    if (cause instanceof MetadataError) throw damaged(place, cause.message, cause);
    throw cause;
  }
}

function readFileOf(place: string, role: RoleName, dialect: Dialect, pin?: MetaFile): Uint8Array | undefined {
  return readIfThere(join(place, 'tuf', ...dialect.fileName(role, pin).split('/')));
}

function readNote(place: string, gun: Gun): ArchiveNote {
  const path = join(place, NOTE);
  const bytes = readIfThere(path);
  if (bytes === undefined) throw new TrustDirectoryError('unreadable', place, `no archive of ${gun}: ${place}`);
  try {
    const note = decodeJsonObject(bytes);
    const [named, from, at] = ['gun', 'from', 'archivedAt'].map((field) => String(note.get(field) ?? ''));
    const archivedAt = new Date(at ?? '');
    if (named !== gun || Number.isNaN(archivedAt.getTime())) throw damaged(path, 'its note is of another collection');
    return { gun, from: from ?? '', archivedAt };
  } catch (cause) {
    if (cause instanceof DecodeError) throw damaged(path, cause.message, cause);
    throw cause;
  }
}

function damaged(path: string, why: string, cause?: unknown): TrustDirectoryError {
  return new TrustDirectoryError('damaged', path, `damaged archive ${path}: ${why}`, { cause });
}

/** The GUNs that are archived below a directory, sorted. @throws TrustDirectoryError */
export function archivedGuns(directory: string): readonly Gun[] {
  const start = join(directory, 'v2');
  const found: Gun[] = [];
  const visit = (path: readonly string[]): void => {
    for (const entry of entriesOf(join(start, ...path))) {
      if (entry === '_trust' && path.length > 0) found.push(parseGun(path.join('/')));
      else if (!entry.startsWith('_trust.')) visit([...path, entry]);
    }
  };
  visit([]);
  return found.sort();
}

function entriesOf(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw new TrustDirectoryError('unreadable', path, `cannot read ${path}`, { cause });
  }
}

/** A GUN is a path of plain names (S12). `_trust` among them would be taken for the end of another one. */
function placeOf(directory: string, gun: Gun): string {
  if (gun.split('/').some((part) => part.startsWith('_trust'))) {
    throw new TrustDirectoryError(
      'unwritable',
      directory,
      `${gun} cannot be archived: its name has a component _trust`,
    );
  }
  return join(directory, 'v2', ...gun.split('/'), '_trust');
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
