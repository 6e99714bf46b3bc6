// SPDX-License-Identifier: Apache-2.0
import type { MigrationSteps, Schema } from '../database/index.ts';

/** Moments are milliseconds since 1970 in a BIGINT: one meaning in every engine. */
export interface CoordinationTables {
  hallmark_lease: { name: string; holder: string; until_ms: number };
  hallmark_webhook_cursor: {
    name: string;
    position: number;
    attempts: number;
    failing_since_ms: number | null;
    retry_at_ms: number | null;
  };
}

/** Numbered, and never changed once released. One spelling serves every engine, but for how MySQL compares names. */
const stepsWith = (name: string): MigrationSteps => ({
  '0001_leases_and_cursors': [
    `create table if not exists hallmark_lease (
      name varchar(255)${name} primary key,
      holder varchar(255)${name} not null,
      until_ms bigint not null
    )`,
    `create table if not exists hallmark_webhook_cursor (
      name varchar(255)${name} primary key,
      position bigint not null,
      attempts integer not null,
      failing_since_ms bigint,
      retry_at_ms bigint
    )`,
  ],
});

export const COORDINATION_SCHEMA: Schema = {
  purpose: 'leases and cursors',
  table: 'hallmark_coordination_migration',
  steps: {
    sqlite: stepsWith(''),
    postgres: stepsWith(''),
    mysql: stepsWith(' character set utf8mb4 collate utf8mb4_bin'),
  },
  probe: `select until_ms, position, attempts, failing_since_ms, retry_at_ms
    from hallmark_lease, hallmark_webhook_cursor where 1 = 0`,
};
