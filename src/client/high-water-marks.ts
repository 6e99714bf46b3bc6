// SPDX-License-Identifier: Apache-2.0
import { rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { DecodeError, decodeJsonObject, encodeUtf8, type JsonValue } from '../encoding/index.ts';
import {
  type Gun,
  type KeyId,
  type Mark,
  type Marks,
  parseKeyId,
  parseRoleName,
  parseVersion,
  ROOT,
  type RoleName,
  sha256Hex,
  TIMESTAMP,
} from '../tuf/index.ts';
import { TrustDirectoryError } from './errors.ts';
import { withFileLock } from './file-lock.ts';
import { readIfThere, replaceFile } from './files.ts';

/**
 * The newest version of each role that was ever trusted, per collection. It stands apart from the metadata cache, so
 * deleting the cache does not open the door to a rollback (property 2).
 */
export interface HighWaterMarks {
  load(gun: Gun): Marks;
  /** Raises the marks; one that another process raised higher meanwhile stays. @throws TrustDirectoryError */
  raise(gun: Gun, marks: Marks): void;
  /** When the server was last asked with success; undefined if never. */
  checkedAt(gun: Gun): Date | undefined;
  /** Records that the server was asked at `now`. */
  touch(gun: Gun, now: Date): void;
  /** Drops the record of a collection whose trust the user gave up by name: its next use is a first use. */
  forget(gun: Gun): void;
}

/** One file a collection, `<trust dir>/hallmark/marks/<sha256 of the GUN>.json`; its modification time is the last check. */
export class DirectoryHighWaterMarks implements HighWaterMarks {
  readonly #trustDirectory: string;

  constructor(trustDirectory: string) {
    this.#trustDirectory = trustDirectory;
  }

  load(gun: Gun): Marks {
    const path = this.#path(gun);
    const bytes = readIfThere(path);
    return bytes === undefined ? new Map() : decodeMarks(bytes, path);
  }

  raise(gun: Gun, marks: Marks): void {
    const path = this.#path(gun);
    const known = this.load(gun);
    // most updates raise nothing, and need no lock to find that out
    if (sameMarks(known, merge(known, marks))) return;
    withFileLock(path, () => replaceFile(path, encodeMarks(gun, merge(this.load(gun), marks))));
  }

  checkedAt(gun: Gun): Date | undefined {
    return statSync(this.#path(gun), { throwIfNoEntry: false })?.mtime;
  }

  touch(gun: Gun, now: Date): void {
    try {
      utimesSync(this.#path(gun), now, now);
    } catch {
      // a check that could not be recorded only makes cached data count as older than it is
    }
  }

  forget(gun: Gun): void {
    rmSync(this.#path(gun), { force: true });
  }

  /** Named by hash, so that no GUN can be the path of another's file. */
  #path(gun: Gun): string {
    return join(this.#trustDirectory, 'hallmark', 'marks', `${sha256Hex(encodeUtf8(gun))}.json`);
  }
}

export class MemoryHighWaterMarks implements HighWaterMarks {
  readonly #marks = new Map<Gun, Marks>();
  readonly #checked = new Map<Gun, Date>();

  load(gun: Gun): Marks {
    return this.#marks.get(gun) ?? new Map();
  }

  raise(gun: Gun, marks: Marks): void {
    this.#marks.set(gun, merge(this.load(gun), marks));
  }

  checkedAt(gun: Gun): Date | undefined {
    return this.#checked.get(gun);
  }

  touch(gun: Gun, now: Date): void {
    this.#checked.set(gun, now);
  }

  forget(gun: Gun): void {
    this.#marks.delete(gun);
    this.#checked.delete(gun);
  }
}

/** An update that saw an older repository than another process since did has nothing to add. */
function merge(known: Marks, raised: Marks): Marks {
  return isOlder(raised, known) ? known : new Map([...known, ...raised]);
}

/** By root first: a new root may start the timestamp's versions anew. */
function isOlder(a: Marks, b: Marks): boolean {
  const root = versionIn(a, ROOT) - versionIn(b, ROOT);
  return root < 0 || (root === 0 && versionIn(a, TIMESTAMP) < versionIn(b, TIMESTAMP));
}

function versionIn(marks: Marks, role: RoleName): number {
  return marks.get(role)?.version ?? 0;
}

function sameMarks(a: Marks, b: Marks): boolean {
  const text = (marks: Marks) => JSON.stringify([...marks].sort(([x], [y]) => (x < y ? -1 : 1)));
  return text(a) === text(b);
}

function encodeMarks(gun: Gun, marks: Marks): Uint8Array {
  const roles = Object.fromEntries(
    [...marks].map(([role, { version, keyIds, sha256 }]) => [role, { version, keyIds, sha256 }]),
  );
  return encodeUtf8(`${JSON.stringify({ gun, roles }, null, 1)}\n`);
}

function decodeMarks(bytes: Uint8Array, path: string): Marks {
  try {
    const roles = decodeJsonObject(bytes).get('roles');
    if (!(roles instanceof Map)) throw new DecodeError('no roles');
    return new Map([...roles].map(([role, value]): [RoleName, Mark] => [parseRoleName(role), decodeMark(value)]));
  } catch (cause) {
    // fail closed: without the record, an old repository could pass for the newest
    throw new TrustDirectoryError(
      'damaged',
      path,
      `record of trusted versions ${path} is damaged: restore it, or remove it to trust on first use again`,
      { cause },
    );
  }
}

function decodeMark(value: JsonValue): Mark {
  if (!(value instanceof Map)) throw new DecodeError('mark is not an object');
  const [keyIds, sha256] = [value.get('keyIds'), value.get('sha256')];
  if (!Array.isArray(keyIds) || typeof sha256 !== 'string') throw new DecodeError('mark is incomplete');
  return {
    version: parseVersion(value.get('version')),
    keyIds: keyIds.map((id): KeyId => parseKeyId(String(id))),
    sha256,
  };
}
