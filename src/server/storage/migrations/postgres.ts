// SPDX-License-Identifier: Apache-2.0
import type { MigrationSteps } from '../../../service/database/index.ts';

/** Tables that Notary made are left exactly as they are, indices included. */
export const POSTGRES_STEPS: MigrationSteps = {
  '0001_notary_tables': [
    `do $$ begin
      if to_regclass('tuf_files') is null then
        create table tuf_files (
          id serial primary key,
          created_at timestamp null default null,
          updated_at timestamp null default null,
          deleted_at timestamp null default null,
          gun varchar(255) not null,
          role varchar(255) not null,
          version integer not null,
          data bytea not null,
          sha256 char(64) default null,
          unique (gun, role, version)
        );
        create index tuf_files_sha256_idx on tuf_files (sha256);
      end if;
      if to_regclass('change_category') is null then
        create table change_category (category varchar(20) primary key);
        insert into change_category (category) values ('update'), ('deletion');
      end if;
      if to_regclass('changefeed') is null then
        create table changefeed (
          id serial primary key,
          created_at timestamp default current_timestamp,
          gun varchar(255) not null,
          version integer not null,
          sha256 char(64) default null,
          category varchar(20) not null default 'update' references change_category (category)
        );
        create index idx_changefeed_gun on changefeed (gun);
      end if;
    end $$`,
  ],
  '0002_audit_and_expiry': [
    `create table if not exists hallmark_audit (
      id bigserial primary key,
      at timestamp(3) not null,
      actor varchar(255) not null,
      address varchar(255),
      request_id varchar(255),
      action varchar(255) not null,
      gun varchar(255),
      detail text not null
    )`,
    'create index if not exists hallmark_audit_gun on hallmark_audit (gun, id)',
    'create index if not exists hallmark_audit_actor on hallmark_audit (actor, id)',
    'create index if not exists hallmark_audit_at on hallmark_audit (at, id)',
    `create table if not exists hallmark_expiry (
      gun varchar(255) not null,
      role varchar(255) not null,
      version integer not null,
      expires_at timestamp(3),
      primary key (gun, role)
    )`,
    'create index if not exists hallmark_expiry_at on hallmark_expiry (expires_at)',
    'create index if not exists hallmark_expiry_role_at on hallmark_expiry (role, expires_at)',
  ],
  // the order of a list by name
  '0003_list_of_collections': ['create index if not exists hallmark_expiry_role_gun on hallmark_expiry (role, gun)'],
};
