// SPDX-License-Identifier: Apache-2.0
import { SERVER_ENGINES } from '../../../test/support/databases.ts';
import { sharedTables } from '../../../test/support/shared-tables.ts';
import { migrateDatabase, openSqlite } from '../database/index.ts';
import { describeCoordination } from './coordination.contract.ts';
import { COORDINATION_SCHEMA, type CoordinationTables, MemoryCoordination, SqlCoordination } from './index.ts';

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
