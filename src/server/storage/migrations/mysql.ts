// SPDX-License-Identifier: Apache-2.0
import { type MigrationSteps, MYSQL_LOCK_TABLE } from '../../../service/database/index.ts';

/** Names are compared as they are written, unlike in the tables that Notary made. */
const EXACT = 'character set utf8mb4 collate utf8mb4_bin';

/**
 * Tables that Notary made are left exactly as they are. Where we make them, their names are compared exactly: for Notary
 * nothing changes but that it, too, tells apart what differs in case.
 */
export const MYSQL_STEPS: MigrationSteps = {
  '0001_notary_tables': [
    `create table if not exists tuf_files (
      id int(11) not null auto_increment,
      created_at timestamp null default null,
      updated_at timestamp null default null,
      deleted_at timestamp null default null,
      gun varchar(255) ${EXACT} not null,
      role varchar(255) ${EXACT} not null,
      version int(11) not null,
      data longblob not null,
      sha256 char(64) default null,
      primary key (id),
      unique key gun (gun, role, version),
      key sha256 (sha256)
    ) engine=InnoDB default charset=utf8`,
    `create table if not exists change_category (
      category varchar(20) not null,
      primary key (category)
    ) engine=InnoDB default charset=utf8`,
    "insert ignore into change_category (category) values ('update'), ('deletion')",
    `create table if not exists changefeed (
      id int(11) not null auto_increment,
      created_at timestamp null default current_timestamp,
      gun varchar(255) ${EXACT} not null,
      version int(11) not null,
      sha256 char(64) default null,
      category varchar(20) not null default 'update',
      primary key (id),
      key category (category),
      key idx_changefeed_gun (gun),
      foreign key (category) references change_category (category)
    ) engine=InnoDB default charset=utf8`,
  ],
  '0002_audit_and_expiry': [
    MYSQL_LOCK_TABLE,
    `create table if not exists hallmark_audit (
      id bigint not null auto_increment,
      at datetime(3) not null,
      actor varchar(255) not null,
      address varchar(255),
      request_id varchar(255),
      action varchar(255) not null,
      gun varchar(255),
      detail mediumtext not null,
      primary key (id),
      key hallmark_audit_gun (gun, id),
      key hallmark_audit_actor (actor, id),
      key hallmark_audit_at (at, id)
    ) engine=InnoDB default ${EXACT}`,
    `create table if not exists hallmark_expiry (
      gun varchar(255) not null,
      role varchar(255) not null,
      version int not null,
      expires_at datetime(3),
      primary key (gun, role),
      key hallmark_expiry_at (expires_at),
      key hallmark_expiry_role_at (role, expires_at)
    ) engine=InnoDB default ${EXACT}`,
  ],
  // the order of a list by name; MySQL knows no "if not exists" here
  '0003_list_of_collections': [
    `set @hallmark_step = (select if(count(*) > 0, 'do 0',
      'create index hallmark_expiry_role_gun on hallmark_expiry (role, gun)') from information_schema.statistics
      where table_schema = database() and table_name = 'hallmark_expiry' and index_name = 'hallmark_expiry_role_gun')`,
    'prepare hallmark_step from @hallmark_step',
    'execute hallmark_step',
    'deallocate prepare hallmark_step',
  ],
};
