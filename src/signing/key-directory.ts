// SPDX-License-Identifier: Apache-2.0
import * as promises from 'node:fs/promises';
import { join } from 'node:path';
import { type Gun, type KeyId, MetadataError, parseGun } from '../tuf/index.ts';
import { KeyStoreError } from './errors.ts';
import { MAX_KEY_FILE_BYTES } from './key-file.ts';
import type { KeyFiles, StoredKeyFile } from './key-files.ts';
import {
  checkPrivateDirectory,
  type FileSystem,
  readEntries,
  readPrivateFile,
  removePrivateFile,
  replacePrivateFile,
} from './private-files.ts';

/** A key file of the directory, not read yet. */
type Place = Omit<StoredKeyFile, 'bytes'>;

interface Survey {
  readonly places: Place[];
  readonly problems: KeyStoreError[];
}

const FILE_NAME = /^([0-9a-f]{64})(?:_([a-z]+))?\.key$/;
/** A GUN has few components; a loop of directories would have many. */
const MAX_DEPTH = 32;

/**
 * `<trust dir>/private`, shared with Docker and Notary: one file per key, `<canonical key id>.key`. What Notary before
 * 0.4 left in `root_keys` and `tuf_keys` is read where it lies.
 */
export class KeyDirectory implements KeyFiles {
  readonly #path: string;
  readonly #fs: FileSystem;

  constructor(trustDirectory: string, fs: FileSystem = promises) {
    this.#path = join(trustDirectory, 'private');
    this.#fs = fs;
  }

  async list() {
    const { places, problems } = await this.#survey();
    const files: StoredKeyFile[] = [];
    for (const place of places) {
      try {
        const stored = await this.#read(place);
        if (stored !== undefined) files.push(stored);
      } catch (error) {
        if (!(error instanceof KeyStoreError)) throw error;
        problems.push(error);
      }
    }
    return { files, problems };
  }

  async read(keyId: KeyId): Promise<StoredKeyFile | undefined> {
    if (!(await checkPrivateDirectory(this.#fs, this.#path))) return undefined;
    const current = await this.#read({ keyId, path: this.#pathOf(keyId) });
    if (current !== undefined) return current;
    const { places, problems } = await this.#surveyOld();
    const old = places.find((place) => place.keyId === keyId);
    if (old !== undefined) return this.#read(old);
    // the key may lie in a directory that must not be read: that is not the same as having none
    if (problems[0] !== undefined) throw problems[0];
    return undefined;
  }

  async write(keyId: KeyId, bytes: Uint8Array, others: 'keep' | 'remove' = 'keep'): Promise<void> {
    await replacePrivateFile(this.#fs, this.#pathOf(keyId), bytes);
    if (others === 'remove') await this.#removeOld(keyId);
  }

  async remove(keyId: KeyId): Promise<void> {
    await this.#removeOld(keyId);
    await removePrivateFile(this.#fs, this.#pathOf(keyId));
  }

  async #removeOld(keyId: KeyId): Promise<void> {
    const { places } = await this.#surveyOld();
    for (const place of places) if (place.keyId === keyId) await removePrivateFile(this.#fs, place.path);
  }

  #pathOf(keyId: KeyId): string {
    return join(this.#path, `${keyId}.key`);
  }

  async #read(place: Place): Promise<StoredKeyFile | undefined> {
    const bytes = await readPrivateFile(this.#fs, place.path, MAX_KEY_FILE_BYTES);
    return bytes === undefined ? undefined : { ...place, bytes };
  }

  async #survey(): Promise<Survey> {
    if (!(await checkPrivateDirectory(this.#fs, this.#path))) return { places: [], problems: [] };
    const survey = await this.#surveyFiles(this.#path, {});
    const old = await this.#surveyOld();
    const known = new Set(survey.places.map((place) => place.keyId));
    const places = [...survey.places, ...old.places.filter((place) => !known.has(place.keyId))];
    return { places, problems: [...survey.problems, ...old.problems] };
  }

  /** The layout of Notary before 0.4: root_keys/<id>_root.key and tuf_keys/<gun>/<id>_<role>.key. */
  async #surveyOld(): Promise<Survey> {
    const roots = await this.#surveyTree(join(this.#path, 'root_keys'), [], () => ({ role: 'root' }));
    const others = await this.#surveyTree(join(this.#path, 'tuf_keys'), [], (parents) => {
      return parents.length === 0 ? {} : { gun: parseGun(parents.join('/')) };
    });
    return { places: [...roots.places, ...others.places], problems: [...roots.problems, ...others.problems] };
  }

  async #surveyTree(
    path: string,
    parents: readonly string[],
    owner: (parents: readonly string[]) => { role?: string; gun?: Gun },
  ): Promise<Survey> {
    const survey: Survey = { places: [], problems: [] };
    try {
      if (!(await checkPrivateDirectory(this.#fs, path)) || parents.length > MAX_DEPTH) return survey;
      const found = [await this.#surveyFiles(path, owner(parents))];
      for (const entry of await readEntries(this.#fs, path)) {
        if (!entry.isDirectory()) continue;
        found.push(await this.#surveyTree(join(path, entry.name), [...parents, entry.name], owner));
      }
      for (const { places, problems } of found) {
        survey.places.push(...places);
        survey.problems.push(...problems);
      }
    } catch (cause) {
      survey.problems.push(asProblem(cause, path));
    }
    return survey;
  }

  async #surveyFiles(path: string, owner: { role?: string; gun?: Gun }): Promise<Survey> {
    const survey: Survey = { places: [], problems: [] };
    for (const entry of await readEntries(this.#fs, path)) {
      // a link could point to a key that another user controls
      if (!entry.isFile() || !entry.name.endsWith('.key')) continue;
      const file = join(path, entry.name);
      const [, keyId, role] = FILE_NAME.exec(entry.name) ?? [];
      if (keyId !== undefined) survey.places.push({ keyId: keyId as KeyId, path: file, role, ...owner });
      else survey.problems.push(new KeyStoreError('malformed', `${file} is not named after a key id`, { path: file }));
    }
    return survey;
  }
}

function asProblem(cause: unknown, path: string): KeyStoreError {
  if (cause instanceof KeyStoreError) return cause;
  if (!(cause instanceof MetadataError)) throw cause;
  return new KeyStoreError('malformed', `${path} is not named after a repository`, { path, cause });
}
