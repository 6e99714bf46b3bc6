// SPDX-License-Identifier: Apache-2.0
import type { MigrationSteps } from '../../../service/database/index.ts';

/** Times are UTC text. */
export const SQLITE_STEPS: MigrationSteps = {
  '0001_notary_tables': [
    `create table if not exists tuf_files (
      id integer primary key autoincrement,
      created_at text, updated_at text, deleted_at text,
      gun varchar(255) not null,
      role varchar(255) not null,
      version integer not null,
      data blob not null,
      sha256 char(64),
      unique (gun, role, version)
    )`,
    'create index if not exists tuf_files_sha256_idx on tuf_files (sha256)',
    'create table if not exists change_category (category varchar(20) primary key)',
    "insert or ignore into change_category (category) values ('update'), ('deletion')",
    `create table if not exists changefeed (
      id integer primary key autoincrement,
      created_at text not null default current_timestamp,
      gun varchar(255) not null,
      version integer not null,
      sha256 char(64),
      category varchar(20) not null default 'update' references change_category (category)
    )`,
    'create index if not exists idx_changefeed_gun on changefeed (gun)',
  ],
  '0002_audit_and_expiry': [
    `create table if not exists hallmark_audit (
      id integer primary key autoincrement,
      at text not null,
      actor text not null,
      address text,
      request_id text,
      action text not null,
      gun text,
      detail text not null
    )`,
    'create index if not exists hallmark_audit_gun on hallmark_audit (gun, id)',
    'create index if not exists hallmark_audit_actor on hallmark_audit (actor, id)',
    'create index if not exists hallmark_audit_at on hallmark_audit (at, id)',
    `create table if not exists hallmark_expiry (
      gun text not null,
      role text not null,
      version integer not null,
      expires_at text,
      primary key (gun, role)
    ) without rowid`,
    'create index if not exists hallmark_expiry_at on hallmark_expiry (expires_at)',
    'create index if not exists hallmark_expiry_role_at on hallmark_expiry (role, expires_at)',
    // the names of these tables before there was a database to share
    'drop table if exists metadata_migration',
    'drop table if exists metadata_migration_lock',
  ],
  // the order of a list by name
  '0003_list_of_collections': ['create index if not exists hallmark_expiry_role_gun on hallmark_expiry (role, gun)'],
};
