// SPDX-License-Identifier: Apache-2.0
import type { Generated, Kysely } from 'kysely';

/** The tables that service keys need in whatever database they are given. */
export interface ServiceKeyTables {
  private_keys: PrivateKeysTable;
}

/** Notary's own table (reference 7.3), so that its database can be taken over and given back. Times are UTC. */
export interface PrivateKeysTable {
  id: Generated<number>;
  created_at: string | null;
  updated_at: string | null;
  deleted_at: string | null;
  key_id: string;
  encryption_alg: string;
  keywrap_alg: string;
  algorithm: string;
  passphrase_alias: string;
  /** Raw key: SPKI DER, or 32 bytes of ed25519. */
  public: Uint8Array;
  /** ASCII text of a compact JWE. */
  private: Uint8Array;
  gun: string;
  role: string;
  /** NULL while the key has never signed. */
  last_used: string | null;
}

/** Creates the table in SQLite; an existing one is left as it is. */
export async function createPrivateKeysTable<Tables>(database: Kysely<Tables>): Promise<void> {
  await database.schema
    .createTable('private_keys')
    .ifNotExists()
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('created_at', 'text')
    .addColumn('updated_at', 'text')
    .addColumn('deleted_at', 'text')
    .addColumn('key_id', 'varchar(255)', (column) => column.notNull())
    .addColumn('encryption_alg', 'varchar(255)', (column) => column.notNull())
    .addColumn('keywrap_alg', 'varchar(255)', (column) => column.notNull())
    .addColumn('algorithm', 'varchar(50)', (column) => column.notNull())
    .addColumn('passphrase_alias', 'varchar(50)', (column) => column.notNull())
    .addColumn('public', 'blob', (column) => column.notNull())
    .addColumn('private', 'blob', (column) => column.notNull())
    .addColumn('gun', 'varchar(255)', (column) => column.notNull())
    .addColumn('role', 'varchar(255)', (column) => column.notNull())
    .addColumn('last_used', 'text')
    .addUniqueConstraint('key_id', ['key_id'])
    .addUniqueConstraint('key_id_2', ['key_id', 'algorithm'])
    .execute();
}
