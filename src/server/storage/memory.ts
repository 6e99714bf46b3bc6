// SPDX-License-Identifier: Apache-2.0
import { type Gun, type RoleName, TIMESTAMP, type Version } from '../../tuf/index.ts';
import {
  type Change,
  type ChangeQuery,
  type CommitBase,
  ConflictError,
  type MetadataStorage,
  type StoredFile,
  type VerifiedFile,
} from './metadata-storage.ts';

type Collection = ReadonlyMap<RoleName, readonly StoredFile[]>;

/** Metadata in memory, gone with the process. Each write swaps in a whole new collection, so no reader sees half of it. */
export class MemoryStorage implements MetadataStorage {
  readonly #collections = new Map<Gun, Collection>();
  readonly #changes: Change[] = [];

  async current(gun: Gun, role: RoleName): Promise<StoredFile | undefined> {
    return this.#current(gun, role);
  }

  async latest(gun: Gun, role: RoleName): Promise<StoredFile | undefined> {
    return this.#current(gun, role);
  }

  async byVersion(gun: Gun, role: RoleName, version: Version): Promise<StoredFile | undefined> {
    return this.#files(gun, role).find((file) => file.version === version);
  }

  async byHash(gun: Gun, role: RoleName, sha256: string): Promise<StoredFile | undefined> {
    return this.#files(gun, role).find((file) => file.sha256 === sha256);
  }

  async commit(gun: Gun, base: CommitBase | undefined, files: readonly VerifiedFile[], now: Date): Promise<void> {
    const taken = files.some(({ role, version }) => this.#files(gun, role).some((file) => file.version === version));
    if (taken || this.#current(gun, TIMESTAMP)?.sha256 !== base?.sha256) throw new ConflictError(gun, base?.version);
    const collection = new Map(this.#collections.get(gun));
    for (const { role, version, bytes, sha256 } of files) {
      collection.set(role, [...(collection.get(role) ?? []), { role, version, bytes, sha256, createdAt: now }]);
    }
    this.#collections.set(gun, collection);
    const timestamp = files.find((file) => file.role === TIMESTAMP);
    if (timestamp !== undefined) this.#record(gun, timestamp.version, timestamp.sha256, 'update', now);
  }

  async delete(gun: Gun, now: Date): Promise<void> {
    if (this.#collections.delete(gun)) this.#record(gun, 0, '', 'deletion', now);
  }

  async changes({ gun, from, bound, limit }: ChangeQuery): Promise<readonly Change[]> {
    const listed = this.#changes.filter((change) => {
      const inside = bound === undefined || (from === 'oldest' ? Number(change.id) > bound : Number(change.id) < bound);
      return inside && (gun === undefined || change.gun === gun);
    });
    return from === 'oldest' ? listed.slice(0, limit) : listed.slice(-limit);
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
