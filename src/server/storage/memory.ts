// SPDX-License-Identifier: Apache-2.0
import { type Gun, type RoleName, TARGETS, TIMESTAMP, type Version } from '../../tuf/index.ts';
import type { AuditEntry, AuditQuery, AuditRecord } from './audit.ts';
import {
  type CollectionQuery,
  type HistoryEntry,
  type HistoryQuery,
  isPartOfNames,
  isWithin,
  type ListedCollection,
} from './listing.ts';
import {
  type BackfillProgress,
  type Change,
  type ChangeContext,
  type ChangeQuery,
  type CommitBase,
  type CommitContext,
  ConflictError,
  type ExpiringFile,
  type ExpiryQuery,
  type FileHead,
  type MetadataStorage,
  type StoredFile,
  type VerifiedFile,
} from './metadata-storage.ts';
import { publishEntry } from './rows.ts';

type Collection = ReadonlyMap<RoleName, readonly StoredFile[]>;

/** Metadata in memory, gone with the process. Each write swaps in a whole new collection, so no reader sees half of it. */
export class MemoryStorage implements MetadataStorage {
  readonly #collections = new Map<Gun, Collection>();
  readonly #changes: Change[] = [];
  readonly #audit: AuditRecord[] = [];
  /** By GUN and role: as each publish leaves a row, nothing is ever missing. */
  readonly #expiry = new Map<string, ExpiringFile>();

  async current(gun: Gun, role: RoleName): Promise<StoredFile | undefined> {
    return this.#current(gun, role);
  }

  async latest(gun: Gun, role: RoleName): Promise<StoredFile | undefined> {
    return this.#current(gun, role);
  }

  async newest(gun: Gun, roles: readonly RoleName[]): Promise<ReadonlyMap<RoleName, FileHead>> {
    const found = new Map<RoleName, FileHead>();
    for (const role of roles) {
      const file = this.#current(gun, role);
      if (file !== undefined) found.set(role, { version: file.version, sha256: file.sha256 });
    }
    return found;
  }

  async byVersion(gun: Gun, role: RoleName, version: Version): Promise<StoredFile | undefined> {
    return this.#files(gun, role).find((file) => file.version === version);
  }

  async byHash(gun: Gun, role: RoleName, sha256: string): Promise<StoredFile | undefined> {
    return this.#files(gun, role).find((file) => file.sha256 === sha256);
  }

  async commit(
    gun: Gun,
    base: CommitBase | undefined,
    files: readonly VerifiedFile[],
    context: CommitContext,
  ): Promise<void> {
    const taken = files.some(({ role, version }) => this.#files(gun, role).some((file) => file.version === version));
    if (taken || this.#current(gun, TIMESTAMP)?.sha256 !== base?.sha256) throw new ConflictError(gun, base?.version);
    const collection = new Map(this.#collections.get(gun));
    for (const { role, version, bytes, sha256, expires } of files) {
      const file = { role, version, bytes, sha256, createdAt: context.now };
      collection.set(role, [...(collection.get(role) ?? []), file]);
      this.#expiry.set(`${gun} ${role}`, { gun, role, version, expires });
    }
    this.#collections.set(gun, collection);
    const timestamp = files.find((file) => file.role === TIMESTAMP);
    if (timestamp !== undefined) this.#record(gun, timestamp.version, timestamp.sha256, 'update', context.now);
    await this.recordAudit(publishEntry(gun, files, context));
  }

  async delete(gun: Gun, { now, actor }: ChangeContext): Promise<void> {
    const files = [...(this.#collections.get(gun) ?? [])];
    if (!this.#collections.delete(gun)) return;
    for (const [role] of files) this.#expiry.delete(`${gun} ${role}`);
    this.#record(gun, 0, '', 'deletion', now);
    const removed = files.reduce((sum, [, versions]) => sum + versions.length, 0);
    await this.recordAudit({ at: now, actor, action: 'delete', gun, detail: { removed } });
  }

  async changes({ gun, from, bound, limit }: ChangeQuery): Promise<readonly Change[]> {
    const listed = this.#changes.filter((change) => {
      const inside = bound === undefined || (from === 'oldest' ? Number(change.id) > bound : Number(change.id) < bound);
      return inside && (gun === undefined || change.gun === gun);
    });
    return from === 'oldest' ? listed.slice(0, limit) : listed.slice(-limit);
  }

  async lastChange(): Promise<number> {
    return this.#changes.length;
  }

  async history(gun: Gun, role: RoleName, { before, limit }: HistoryQuery): Promise<readonly HistoryEntry[]> {
    return this.#files(gun, role)
      .filter(({ version }) => before === undefined || version < before)
      .map(({ version, sha256, createdAt }) => ({ version, sha256, createdAt }))
      .sort((a, b) => b.version - a.version)
      .slice(0, limit);
  }

  async collections(query: CollectionQuery): Promise<readonly ListedCollection[]> {
    const { contains = '', within, order, after, limit } = query;
    if (!isPartOfNames(contains)) return [];
    const sign = query.descending === true ? -1 : 1;
    const byOrder = (a: Position, b: Position) =>
      sign * ((order === 'expiry' ? timeOf(a) - timeOf(b) : 0) || compare(a.gun, b.gun));
    return [...this.#expiry.values()]
      .filter(({ gun, role }) => role === TARGETS && gun.includes(contains) && isWithin(within, gun))
      .filter((file) => after === undefined || byOrder(after, file) < 0)
      .sort(byOrder)
      .slice(0, limit)
      .map(({ gun, version, expires }) => ({ gun, version, expires }));
  }

  async expiring({ role, within, from, before, after, limit }: ExpiryQuery): Promise<readonly ExpiringFile[]> {
    return [...this.#expiry.values()]
      .filter((file) => file.expires < before && (role === undefined || file.role === role))
      .filter((file) => from === undefined || file.expires >= from)
      .filter((file) => isWithin(within, file.gun))
      .sort(byExpiry)
      .filter((file) => after === undefined || byExpiry(after, file) < 0)
      .slice(0, limit);
  }

  async backfillExpiry(): Promise<BackfillProgress> {
    return { recorded: 0, isComplete: true };
  }

  async audit(query: AuditQuery): Promise<readonly AuditRecord[]> {
    const { gun, actor, action, within, since, until, after, before, limit, from } = query;
    const fitting = this.#audit
      .filter((entry) => gun === undefined || entry.gun === gun)
      .filter((entry) => actor === undefined || entry.actor.name === actor)
      .filter((entry) => action === undefined || entry.action === action)
      .filter((entry) => within === undefined || (entry.gun !== undefined && isWithin(within, entry.gun)))
      .filter(({ at }) => (since === undefined || at >= since) && (until === undefined || at < until))
      .filter(({ id }) => after === undefined || Number(id) > after)
      .filter(({ id }) => before === undefined || Number(id) < before);
    return from === 'newest' ? fitting.slice(-limit) : fitting.slice(0, limit);
  }

  async recordAudit(entry: AuditEntry): Promise<void> {
    this.#audit.push({ ...entry, id: String(this.#audit.length + 1) });
  }

  async check(): Promise<void> {}

  #files(gun: Gun, role: RoleName): readonly StoredFile[] {
    return this.#collections.get(gun)?.get(role) ?? [];
  }

  #current(gun: Gun, role: RoleName): StoredFile | undefined {
    return this.#files(gun, role).reduce<StoredFile | undefined>(
      (newest, file) => (newest === undefined || file.version > newest.version ? file : newest),
      undefined,
    );
  }

  #record(gun: Gun, version: number, sha256: string, category: Change['category'], createdAt: Date): void {
    this.#changes.push({ id: String(this.#changes.length + 1), createdAt, gun, version, sha256, category });
  }
}

type Position = Pick<ListedCollection, 'gun' | 'expires'>;

function timeOf({ expires }: Position): number {
  return expires?.getTime() ?? 0;
}

function byExpiry(a: ExpiringFile, b: ExpiringFile): number {
  return a.expires.getTime() - b.expires.getTime() || compare(a.gun, b.gun) || compare(a.role, b.role);
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
