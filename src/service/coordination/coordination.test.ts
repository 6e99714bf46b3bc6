// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { SERVER_ENGINES } from '../../../test/support/databases.ts';
import { sharedTables } from '../../../test/support/shared-tables.ts';
import { migrateDatabase, openSqlite } from '../database/index.ts';
import { SILENT_LOG } from '../index.ts';
import { describeCoordination } from './coordination.contract.ts';
import {
  COORDINATION_SCHEMA,
  type CoordinationTables,
  LeasedLoop,
  MemoryCoordination,
  SqlCoordination,
} from './index.ts';

describeCoordination('memory', async () => new MemoryCoordination());

describeCoordination('SQLite', async () => {
  const database = openSqlite<CoordinationTables>(':memory:');
  await migrateDatabase({ engine: 'sqlite', database }, COORDINATION_SCHEMA);
  return new SqlCoordination(database);
});

for (const engine of SERVER_ENGINES) {
  const tables = ['hallmark_lease', 'hallmark_webhook_cursor'] as const;
  const shared = sharedTables<CoordinationTables>(engine, COORDINATION_SCHEMA, tables);
  describeCoordination(engine, async () => new SqlCoordination((await shared.empty()).database));
}

describe('work that one replica at a time does', () => {
  const SIGNAL = new AbortController().signal;
  const coordination = new MemoryCoordination();
  const replica = (holder: string, step: () => Promise<number> = async () => 1e6) =>
    new LeasedLoop(step, {
      coordination,
      holder,
      name: 'work',
      leaseMs: 1000,
      clock: () => new Date(0),
      log: SILENT_LOG,
    });

  test('goes on with one of them until it stops, and then at once with another', async () => {
    const begun = Promise.withResolvers<void>();
    const one = replica('one', async () => {
      if (await one.mayGoOn(SIGNAL)) begun.resolve();
      return 1e6;
    });
    const two = replica('two');
    one.start();
    await begun.promise;
    expect([await two.mayGoOn(SIGNAL), await one.mayGoOn(SIGNAL)]).toEqual([false, true]);
    await two.stop();
    expect(await replica('three').mayGoOn(SIGNAL)).toBe(false);
    await one.stop();
    expect(await two.mayGoOn(SIGNAL)).toBe(true);
  });

  test('is not gone on with by one that is to stop', async () => {
    expect(await replica('two').mayGoOn(AbortSignal.abort())).toBe(false);
  });
});
