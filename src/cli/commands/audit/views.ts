// SPDX-License-Identifier: Apache-2.0
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { loadServerConfig } from '../../../server/config/index.ts';
import { type MetadataStorage, openMetadataStorage } from '../../../server/index.ts';
import {
  AuditFileTail,
  AuditFollower,
  type AuditLine,
  newestPosition,
  readAuditFile,
} from '../../../service/audit/index.ts';
import { databaseAddress } from '../../../service/config/index.ts';
import { UsageError } from '../../usage-error.ts';
import type { AuditFilter } from './filter.ts';

/** An audit log that is being looked at. */
export interface AuditView {
  /** The newest entries that the filter lets through, the oldest of them first. */
  last(filter: AuditFilter): Promise<readonly AuditLine[]>;
  /** Whatever was added since the last call of either. */
  more(): Promise<readonly AuditLine[]>;
  close(): Promise<void>;
}

/** Keeps the last so many of what is added. */
class Newest {
  readonly #limit: number;
  #lines: AuditLine[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(line: AuditLine): void {
    this.#lines.push(line);
    if (this.#lines.length >= 2 * this.#limit) this.#lines = this.#lines.slice(-this.#limit);
  }

  get lines(): readonly AuditLine[] {
    return this.#lines.slice(-this.#limit);
  }
}

/** The files that a server wrote, the oldest first. The last one is followed. */
export class FileView implements AuditView {
  readonly #paths: readonly string[];
  readonly #tail: AuditFileTail;

  constructor(paths: readonly string[]) {
    this.#paths = paths;
    this.#tail = new AuditFileTail(paths.at(-1) ?? '');
  }

  async last(filter: AuditFilter): Promise<readonly AuditLine[]> {
    const newest = new Newest(filter.limit);
    for (const path of this.#paths.slice(0, -1)) {
      for await (const line of readAuditFile(path)) if (filter.matches(line)) newest.add(line);
    }
    await access(this.#paths.at(-1) ?? '');
    for (const line of await this.#tail.next()) if (filter.matches(line)) newest.add(line);
    return newest.lines;
  }

  more(): Promise<readonly AuditLine[]> {
    return this.#tail.next();
  }

  async close(): Promise<void> {}
}

/** The database in a data directory; it may be in use. */
export async function openTableView(directory: string): Promise<AuditView> {
  const path = join(directory, 'server.db');
  await access(path).catch((cause) => {
    throw new UsageError(`--data: there is no trust server in ${directory}`, { cause });
  });
  const { storage, close } = await openMetadataStorage({ engine: 'sqlite', url: path });
  return new TableView(storage, close);
}

/** The database of a trust server's configuration. @throws ConfigError */
export async function openConfiguredView(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<AuditView> {
  const { settings } = await loadServerConfig(file, env);
  const address = await databaseAddress(settings.storage);
  if (address === undefined) throw new UsageError(`--config: what ${file} keeps in memory is its process's alone`);
  const { storage, close } = await openMetadataStorage(address);
  return new TableView(storage, close);
}

const PAGE = 1000;
/** An hour, a day, a month: the newest entries are found without reading all. */
const WINDOWS = [3_600_000, 86_400_000, 30 * 86_400_000];

/** The audit table of a server. */
class TableView implements AuditView {
  readonly close: () => Promise<void>;
  readonly #storage: Pick<MetadataStorage, 'audit'>;
  readonly #follower: AuditFollower;
  #position = 0;

  constructor(storage: Pick<MetadataStorage, 'audit'>, close: () => Promise<void>) {
    this.#storage = storage;
    this.#follower = new AuditFollower(storage);
    this.close = close;
  }

  async last(filter: AuditFilter): Promise<readonly AuditLine[]> {
    // what comes after this is followed, whether or not something before it fits
    this.#position = await newestPosition(this.#storage, filter.now);
    const { now, since } = filter;
    for (const ms of since === undefined ? WINDOWS : []) {
      const lines = await this.#from(new Date(now.getTime() - ms), filter);
      if (lines.length === filter.limit) return lines;
    }
    return this.#from(since, filter);
  }

  async #from(since: Date | undefined, filter: AuditFilter): Promise<readonly AuditLine[]> {
    const { gun, actor, matches, limit } = filter;
    const query = { ...(gun && { gun }), ...(actor && { actor }), ...(since && { since }), limit: PAGE };
    const newest = new Newest(limit);
    let after = 0;
    for (;;) {
      const page = await this.#storage.audit({ ...query, after });
      after = Number(page.at(-1)?.id ?? after);
      for (const line of page) if (Number(line.id) <= this.#position && matches(line)) newest.add(line);
      if (page.length < PAGE || after > this.#position) return newest.lines;
    }
  }

  async more(): Promise<readonly AuditLine[]> {
    const lines = await this.#follower.next(this.#position, PAGE);
    this.#position = Number(lines.at(-1)?.id ?? this.#position);
    return lines;
  }
}
