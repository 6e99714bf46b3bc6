// SPDX-License-Identifier: Apache-2.0
import { type Gun, type RoleName, TIMESTAMP, type Version } from '../../tuf/index.ts';
import type { AuditEntry, AuditQuery, AuditRecord } from './audit.ts';
import { ByteBoundedMap } from './byte-bounded-map.ts';
import { ChangefeedTail } from './changefeed-tail.ts';
import type { CollectionQuery, HistoryEntry, HistoryQuery, ListedCollection } from './listing.ts';
import type {
  BackfillProgress,
  BackfillRequest,
  Change,
  ChangeContext,
  ChangeQuery,
  CommitBase,
  CommitContext,
  ExpiringFile,
  ExpiryQuery,
  FileHead,
  MetadataStorage,
  StoredFile,
  VerifiedFile,
} from './metadata-storage.ts';

export interface StorageCacheOptions {
  /** Bytes of metadata kept in memory. */
  readonly bytes?: number;
  /** How long what is current is kept, in milliseconds. */
  readonly currentMs?: number;
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed?: () => number;
}

/** More would cost twice itself in resident memory, and what is asked for most is a small part of all there is. */
const DEFAULT_BYTES = 16 * 1024 * 1024;
const CURRENT_MS = 1000;
/** How a cache fares. */
export interface CacheStatistics {
  /** Files that were in memory when they were asked for. */
  readonly hits: number;
  readonly misses: number;
  /** Of metadata in memory, with what each entry costs. */
  readonly bytes: number;
}

/** What an entry costs beside the file's bytes: its objects, its keys, the headers of its answers (measured: 1.4 to 2 KB). */
const ENTRY_BYTES = 2048;
/** What is known of a collection: its name and a pointer for each role that is asked for. */
const COLLECTION_BYTES = 1024;

/** What is current: a read under way, then the hash of what it found, so that no pointer holds content in memory. */
interface Pointer {
  readonly until: number;
  readonly found: Promise<StoredFile | undefined> | string | undefined;
}

interface Collection {
  /** Everything cached for a GUN is dropped together by counting this up in its keys. */
  readonly generation: number;
  readonly current: Map<RoleName, Pointer>;
}

/**
 * Keeps what was read in memory. What a hash or version names never changes and stays until room is needed. What is
 * current is answered from memory only after the changefeed was asked whether any process has written meanwhile, so that
 * clients that go from one replica to the next never see time run backwards; and it is at most a second old. Content is kept under its GUN and role, and leaves with its collection (W cross-GUN content by hash).
 */
export class CachedStorage implements MetadataStorage {
  readonly #storage: MetadataStorage;
  readonly #files: ByteBoundedMap<StoredFile>;
  readonly #collections: ByteBoundedMap<Collection>;
  readonly #currentMs: number;
  readonly #elapsed: () => number;
  readonly #feed: ChangefeedTail;
  #generation = 0;
  #hits = 0;
  #misses = 0;

  constructor(storage: MetadataStorage, options: StorageCacheOptions = {}) {
    this.#storage = storage;
    const bytes = options.bytes ?? DEFAULT_BYTES;
    this.#files = new ByteBoundedMap(bytes);
    this.#collections = new ByteBoundedMap(bytes / 2);
    this.#currentMs = options.currentMs ?? CURRENT_MS;
    this.#elapsed = options.elapsed ?? (() => performance.now());
    this.#feed = new ChangefeedTail(storage, { onChange: (change) => this.#drop(change), elapsed: this.#elapsed });
  }

  async current(gun: Gun, role: RoleName): Promise<StoredFile | undefined> {
    await this.#feed.caughtUp();
    const collection = this.#collection(gun);
    const known = collection.current.get(role);
    if (known !== undefined && this.#elapsed() < known.until) {
      return typeof known.found === 'string' ? this.byHash(gun, role, known.found) : known.found;
    }
    this.#misses += 1;
    const loading = this.#loadCurrent(gun, role, collection);
    const pointer: Pointer = { until: this.#elapsed() + this.#currentMs, found: loading };
    collection.current.set(role, pointer);
    try {
      const file = await loading;
      if (collection.current.get(role) === pointer) {
        collection.current.set(role, { until: pointer.until, found: file?.sha256 });
      }
      return file;
    } catch (error) {
      if (collection.current.get(role) === pointer) collection.current.delete(role);
      throw error;
    }
  }

  /** Pointers of several roles may be of several moments, so nothing that is written may rest on them. */
  latest(gun: Gun, role: RoleName): Promise<StoredFile | undefined> {
    return this.#loadCurrent(gun, role, this.#collection(gun));
  }

  async newest(gun: Gun, roles: readonly RoleName[]): Promise<ReadonlyMap<RoleName, FileHead>> {
    const found = await this.#storage.newest(gun, roles);
    if (roles.includes(TIMESTAMP) && !found.has(TIMESTAMP)) this.#forget(gun);
    return found;
  }

  async #loadCurrent(gun: Gun, role: RoleName, collection: Collection): Promise<StoredFile | undefined> {
    const file = await this.#storage.latest(gun, role);
    // another replica deleted the collection: its content goes too
    if (file === undefined && role === TIMESTAMP) this.#forget(gun);
    return file && this.#keep(this.#key(collection, role, file.sha256), file);
  }

  byHash(gun: Gun, role: RoleName, sha256: string): Promise<StoredFile | undefined> {
    return this.#immutable(gun, role, sha256, () => this.#storage.byHash(gun, role, sha256));
  }

  byVersion(gun: Gun, role: RoleName, version: Version): Promise<StoredFile | undefined> {
    return this.#immutable(gun, role, String(version), () => this.#storage.byVersion(gun, role, version));
  }

  async #immutable(gun: Gun, role: RoleName, name: string, load: () => Promise<StoredFile | undefined>) {
    const key = this.#key(this.#collection(gun), role, name);
    const known = this.#files.get(key);
    if (known !== undefined) {
      this.#hits += 1;
      return known;
    }
    this.#misses += 1;
    const file = await load();
    return file && this.#keep(key, file);
  }

  async commit(
    gun: Gun,
    base: CommitBase | undefined,
    files: readonly VerifiedFile[],
    context: CommitContext,
  ): Promise<void> {
    try {
      await this.#storage.commit(gun, base, files, context);
      this.#keepCommitted(gun, files, context.now);
    } finally {
      // also after a failure: a conflict tells that what we hold is old, and an error may hide a success
      this.#collection(gun).current.clear();
    }
  }

  /** What was just stored is what is asked for next. */
  #keepCommitted(gun: Gun, files: readonly VerifiedFile[], now: Date): void {
    const collection = this.#collection(gun);
    // storage keeps no more than seconds
    const createdAt = new Date(Math.floor(now.getTime() / 1000) * 1000);
    for (const { role, version, bytes, sha256 } of files) {
      // bytes of an upload may be a part of a whole request, which must not be held by them
      const file = { role, version, bytes: bytes.slice(), sha256, createdAt };
      this.#keep(this.#key(collection, role, sha256), file);
    }
  }

  async delete(gun: Gun, context: ChangeContext): Promise<void> {
    try {
      await this.#storage.delete(gun, context);
    } finally {
      this.#forget(gun);
    }
  }

  changes(query: ChangeQuery): Promise<readonly Change[]> {
    return this.#storage.changes(query);
  }

  lastChange(): Promise<number> {
    return this.#storage.lastChange();
  }

  history(gun: Gun, role: RoleName, query: HistoryQuery): Promise<readonly HistoryEntry[]> {
    return this.#storage.history(gun, role, query);
  }

  collections(query: CollectionQuery): Promise<readonly ListedCollection[]> {
    return this.#storage.collections(query);
  }

  expiring(query: ExpiryQuery): Promise<readonly ExpiringFile[]> {
    return this.#storage.expiring(query);
  }

  backfillExpiry(request: BackfillRequest): Promise<BackfillProgress> {
    return this.#storage.backfillExpiry(request);
  }

  audit(query: AuditQuery): Promise<readonly AuditRecord[]> {
    return this.#storage.audit(query);
  }

  recordAudit(entry: AuditEntry): Promise<void> {
    return this.#storage.recordAudit(entry);
  }

  check(): Promise<void> {
    return this.#storage.check();
  }

  statistics(): CacheStatistics {
    return { hits: this.#hits, misses: this.#misses, bytes: this.#files.bytes };
  }

  #collection(gun: Gun): Collection {
    const known = this.#collections.get(gun);
    if (known !== undefined) return known;
    const made: Collection = { generation: ++this.#generation, current: new Map() };
    this.#collections.set(gun, made, COLLECTION_BYTES);
    return made;
  }

  #drop({ gun, category }: Change): void {
    if (category === 'deletion') this.#forget(gun as Gun);
    else this.#collections.get(gun)?.current.clear();
  }

  #forget(gun: Gun): void {
    this.#collections.delete(gun);
  }

  #key({ generation }: Collection, role: RoleName, name: string): string {
    return `${generation} ${role} ${name}`;
  }

  /** One object per content, so that whoever memorises what it decoded finds it again. */
  #keep(key: string, file: StoredFile): StoredFile {
    const known = this.#files.get(key);
    if (known?.sha256 === file.sha256) return known;
    this.#files.set(key, file, file.bytes.length + ENTRY_BYTES);
    return file;
  }
}
