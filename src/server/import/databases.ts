// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { sql } from 'kysely';
import {
  copyTable,
  type DatabaseAddress,
  hasTable,
  migrateDatabase,
  type NumberedTable,
  type OpenedDatabase,
  openDatabase,
  type Schema,
  type TableCopy,
} from '../../service/database/index.ts';
import { SERVICE_KEY_SCHEMA } from '../../signing/service-keys/index.ts';
import { METADATA_SCHEMA, type MetadataStorage, openMetadataStorage } from '../storage/index.ts';
import { ImportError } from './errors.ts';

/** From which database to which; keys only where both are known. */
export interface CopyPlan {
  readonly metadata: { readonly from: DatabaseAddress; readonly to: DatabaseAddress };
  readonly keys?: { readonly from: DatabaseAddress; readonly to: DatabaseAddress };
  readonly clock: () => Date;
  readonly progress: (table: string, done: number, total: number) => void;
}

export interface CopiedDatabase {
  readonly metadata: readonly TableCopy[];
  readonly keys: readonly TableCopy[];
  /** The aliases of passphrases that the copied keys are opened with. */
  readonly aliases: readonly string[];
}

const FILES: NumberedTable = {
  name: 'tuf_files',
  columns: ['created_at', 'updated_at', 'deleted_at', 'gun', 'role', 'version', 'data', 'sha256'],
  times: ['created_at', 'updated_at', 'deleted_at'],
  padded: ['sha256'],
};
const CHANGES: NumberedTable = {
  name: 'changefeed',
  columns: ['created_at', 'gun', 'version', 'sha256', 'category'],
  times: ['created_at'],
  padded: ['sha256'],
};
const AUDIT: NumberedTable = {
  name: 'hallmark_audit',
  columns: ['at', 'actor', 'address', 'request_id', 'action', 'gun', 'detail'],
  times: ['at'],
};
const KEYS: NumberedTable = {
  name: 'private_keys',
  columns: [
    ...['created_at', 'updated_at', 'deleted_at', 'key_id', 'encryption_alg', 'keywrap_alg', 'algorithm'],
    ...['passphrase_alias', 'public', 'private', 'gun', 'role', 'last_used'],
  ],
  times: ['created_at', 'updated_at', 'deleted_at', 'last_used'],
};

const BACKFILL = 500;

/**
 * Copies the databases of a server, Notary's or Hallmark's, into those of another: all versions, the changefeed in its
 * order and numbers, the audit log where there is one, and the service keys as they are encrypted. The old ones are only
 * read; both servers have to stand still. One that broke off is gone on with by calling it again.
 * @throws ImportError, TableCopyError, DatabaseOpenError, MigrationError
 */
export async function copyDatabases({ metadata, keys, clock, progress }: CopyPlan): Promise<CopiedDatabase> {
  const copiedKeys = keys === undefined ? undefined : await copyKeys(keys.from, keys.to, progress);
  const tables = await copyMetadata(metadata.from, metadata.to, clock, progress);
  return { metadata: tables, keys: copiedKeys?.tables ?? [], aliases: copiedKeys?.aliases ?? [] };
}

async function copyMetadata(
  from: DatabaseAddress,
  to: DatabaseAddress,
  clock: () => Date,
  progress: CopyPlan['progress'],
): Promise<readonly TableCopy[]> {
  const source = await openSource(from, METADATA_SCHEMA);
  try {
    const target = await openMetadataStorage(to);
    try {
      const done: TableCopy[] = [];
      for (const table of [FILES, CHANGES, AUDIT]) {
        if (table === AUDIT && !(await hasTable(source, table))) continue;
        const tell = (rows: number, total: number) => progress(table.name, rows, total);
        done.push(await copyTable(source, target.opened as OpenedDatabase<unknown>, table, tell));
      }
      await finish(target.storage, done, clock());
      return done;
    } finally {
      await target.close();
    }
  } finally {
    await source.database.destroy();
  }
}

/** Dates of expiry are read from the files; that everything came from elsewhere is on record. */
async function finish(storage: MetadataStorage, tables: readonly TableCopy[], now: Date): Promise<void> {
  while (!(await storage.backfillExpiry({ limit: BACKFILL, now })).isComplete);
  if (tables.every(({ copied }) => copied === 0)) return;
  const detail = { tables: tables.map(({ name, rows, copied, sha256 }) => ({ name, rows, copied, sha256 })) };
  await storage.recordAudit({ at: now, actor: { name: 'import' }, action: 'import', detail });
}

async function copyKeys(from: DatabaseAddress, to: DatabaseAddress, progress: CopyPlan['progress']) {
  const source = await openSource(from, SERVICE_KEY_SCHEMA);
  try {
    const target = await openDatabase<unknown>(to);
    try {
      await migrateDatabase(target, SERVICE_KEY_SCHEMA);
      const tell = (rows: number, total: number) => progress(KEYS.name, rows, total);
      const tables = [await copyTable(source, target, KEYS, tell)];
      const { rows } = await sql<{ alias: string }>`select distinct passphrase_alias as alias from private_keys
        where deleted_at is null order by passphrase_alias`.execute(source.database);
      return { tables, aliases: rows.map(({ alias }) => alias) };
    } finally {
      await target.database.destroy();
    }
  } finally {
    await source.database.destroy();
  }
}

/** Only read, and not brought up to date: the old server must find it as it was. */
async function openSource(address: DatabaseAddress, schema: Schema): Promise<OpenedDatabase<unknown>> {
  if (address.engine === 'sqlite' && !existsSync(address.url)) throw new ImportError(`no database: ${address.url}`);
  const opened = await openDatabase<unknown>(address);
  try {
    await sql.raw(schema.probe).execute(opened.database);
    return opened;
  } catch (cause) {
    await opened.database.destroy();
    const message = `no database of ${schema.purpose}, or of an older schema: bring it up to date by its own migrations`;
    throw new ImportError(message, { cause });
  }
}
