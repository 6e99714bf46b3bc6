// SPDX-License-Identifier: Apache-2.0
import { afterAll } from 'bun:test';
import { sql } from 'kysely';
import { storageOn } from '../../src/server/storage/open-storage.ts';
import { METADATA_SCHEMA, type MetadataTables } from '../../src/server/storage/schema.ts';
import {
  type DatabaseAddress,
  migrateDatabase,
  type OpenedDatabase,
  openDatabase,
} from '../../src/service/database/index.ts';
import { type ServerEngine, scratchDatabases } from './databases.ts';

/** A database with the tables of the trust server, and connections to it. */
export interface MetadataDatabase {
  address(): Promise<DatabaseAddress>;
  /** The one opened first, with its tables emptied. */
  empty(): Promise<OpenedDatabase<MetadataTables>>;
  /** One more pool of connections to the same, as another replica has it. */
  another(): Promise<OpenedDatabase<MetadataTables>>;
}

const TABLES = ['changefeed', 'tuf_files', 'hallmark_audit', 'hallmark_expiry'] as const;

/** One database for a test file; making one for each test would take most of its time. */
export function metadataDatabase(engine: ServerEngine): MetadataDatabase {
  const scratch = scratchDatabases(engine);
  const opened: OpenedDatabase<MetadataTables>[] = [];
  let made: Promise<DatabaseAddress> | undefined;
  const address = () => {
    made ??= scratch();
    return made;
  };
  const another = async () => {
    const next = await openDatabase<MetadataTables>({ ...(await address()), poolSize: 4 });
    opened.push(next);
    await migrateDatabase(next, METADATA_SCHEMA);
    return next;
  };
  const empty = async () => {
    const first = opened[0] ?? (await another());
    for (const table of TABLES) {
      const restart = sql.raw(engine === 'postgres' ? ' restart identity' : '');
      await sql`truncate table ${sql.table(table)}${restart}`.execute(first.database);
    }
    return first;
  };
  afterAll(async () => {
    for (const { database } of opened) await database.destroy();
  });
  return { address, empty, another };
}

export { storageOn };
