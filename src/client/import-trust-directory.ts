// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Dialect,
  type Gun,
  MetadataError,
  parseGun,
  parseRoleName,
  ROOT,
  type RoleName,
  SNAPSHOT,
  TARGETS,
  TIMESTAMP,
} from '../tuf/index.ts';
import type { Fetcher } from './fetcher.ts';
import type { HighWaterMarks } from './high-water-marks.ts';
import { DirectoryMetadataCache, type MetadataCache } from './metadata-cache.ts';
import type { TrustPinning } from './pinning.ts';
import { Updater } from './updater.ts';

/** What another trust directory trusted of a repository, into what trusts here. */
export interface CachedRepositoryImport {
  readonly gun: Gun;
  /** The other trust directory. */
  readonly from: string;
  readonly cache: MetadataCache;
  readonly marks: HighWaterMarks;
  readonly pinning: TrustPinning;
  readonly dialect: Dialect;
  readonly now: Date;
}

/**
 * Takes over the trusted metadata of one repository, through the stages of an update, as if the other directory were its
 * server: its root is trusted from then on as on a first use, and nothing older is ever trusted again. Timestamp, snapshot
 * and targets may have expired meanwhile; each use judges that anew. A repository that is known here stays as it is.
 * @returns `present` if it was known here already; `incomplete` if it was never read there to its end, as after `notary init`
 * @throws VerificationError, DownloadError; nothing was taken over then
 */
export async function importCachedRepository(
  options: CachedRepositoryImport,
): Promise<'imported' | 'present' | 'incomplete'> {
  const { gun, from, cache, marks } = options;
  if (cache.load(gun, ROOT) !== undefined || marks.load(gun).size > 0) return 'present';
  const source = new DirectoryMetadataCache(from);
  if ([ROOT, TARGETS, SNAPSHOT, TIMESTAMP].some((role) => source.load(gun, role) === undefined)) return 'incomplete';
  const fetcher = new CachedFiles(source);
  await new Updater({ ...options, fetcher, renewing: true, frozen: true }).refresh();
  return 'imported';
}

/** Cached files in the place of a server; of roots it has the current one alone. */
class CachedFiles implements Fetcher {
  readonly #cache: MetadataCache;

  constructor(cache: MetadataCache) {
    this.#cache = cache;
  }

  async fetch(gun: Gun, fileName: string): Promise<Uint8Array | undefined> {
    // asked for by number are the roots after it, of which nothing is known here
    return /^\d+\.root\.json$/.test(fileName) ? undefined : this.#cache.load(gun, roleOf(fileName));
  }
}

/** `targets/releases.<hash>.json` → `targets/releases` */
function roleOf(fileName: string): RoleName {
  return parseRoleName(fileName.replace(/(?:\.[0-9a-f]{64})?\.json$/, ''));
}

/** The repositories of which a trust directory has metadata, sorted; what is not named as one is passed over. */
export function cachedGuns(trustDirectory: string): readonly Gun[] {
  const start = join(trustDirectory, 'tuf');
  const found: Gun[] = [];
  const visit = (path: readonly string[]): void => {
    const entries = directoriesIn(join(start, ...path));
    const gun = gunOf(path.join('/'));
    if (entries.includes('metadata') && gun !== undefined) found.push(gun);
    for (const entry of entries) if (path.length < MAX_DEPTH) visit([...path, entry]);
  };
  visit([]);
  return found.sort();
}

/** A GUN has few components; a loop of directories would have many. */
const MAX_DEPTH = 32;

function gunOf(text: string): Gun | undefined {
  try {
    return parseGun(text);
  } catch (error) {
    if (error instanceof MetadataError) return undefined;
    throw error;
  }
}

/** Links are not followed. */
function directoriesIn(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}
