// SPDX-License-Identifier: Apache-2.0
import type { Generated } from 'kysely';
import { MYSQL_LOCK_TABLE, type Schema } from '../../service/database/index.ts';

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

const SQLITE = `create table if not exists private_keys (
  id integer primary key autoincrement,
  created_at text, updated_at text, deleted_at text,
  key_id varchar(255) not null,
  encryption_alg varchar(255) not null,
  keywrap_alg varchar(255) not null,
  algorithm varchar(50) not null,
  passphrase_alias varchar(50) not null,
  public blob not null,
  private blob not null,
  gun varchar(255) not null,
  role varchar(255) not null,
  last_used text,
  constraint key_id unique (key_id),
  constraint key_id_2 unique (key_id, algorithm)
)`;

const POSTGRES = `create table if not exists private_keys (
  id serial primary key,
  created_at timestamp null default null,
  updated_at timestamp null default null,
  deleted_at timestamp null default null,
  key_id varchar(255) not null,
  encryption_alg varchar(255) not null,
  keywrap_alg varchar(255) not null,
  algorithm varchar(50) not null,
  passphrase_alias varchar(50) not null,
  public bytea not null,
  private bytea not null,
  gun varchar(255) not null,
  role varchar(255) not null,
  last_used timestamp null default null,
  constraint key_id unique (key_id),
  constraint key_id_2 unique (key_id, algorithm)
)`;

/** As Notary makes it, but that a GUN is compared as it is written. */
const MYSQL = `create table if not exists private_keys (
  id int(11) not null auto_increment,
  created_at timestamp null default null,
  updated_at timestamp null default null,
  deleted_at timestamp null default null,
  key_id varchar(255) not null,
  encryption_alg varchar(255) not null,
  keywrap_alg varchar(255) not null,
  algorithm varchar(50) not null,
  passphrase_alias varchar(50) not null,
  public blob not null,
  private blob not null,
  gun varchar(255) character set utf8mb4 collate utf8mb4_bin not null,
  role varchar(255) not null,
  last_used datetime null default null,
  primary key (id),
  unique key key_id (key_id),
  unique key key_id_2 (key_id, algorithm)
) engine=InnoDB default charset=utf8`;

export const SERVICE_KEY_SCHEMA: Schema = {
  purpose: 'the signing service',
  table: 'hallmark_keys_migration',
  steps: {
    sqlite: { '0001_private_keys': [SQLITE] },
    postgres: { '0001_private_keys': [POSTGRES] },
    mysql: { '0001_private_keys': [MYSQL, MYSQL_LOCK_TABLE] },
  },
  // a database that Notary itself has not brought to its newest schema lacks some of these
  probe: `select created_at, updated_at, deleted_at, key_id, encryption_alg, keywrap_alg, algorithm, passphrase_alias,
    public, private, gun, role, last_used from private_keys where 1 = 0`,
};
