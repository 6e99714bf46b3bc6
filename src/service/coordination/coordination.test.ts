// SPDX-License-Identifier: Apache-2.0
import { openSqlite } from '../database/index.ts';
import { describeCoordination } from './coordination.contract.ts';
import { type CoordinationTables, MemoryCoordination, migrateCoordination, SqlCoordination } from './index.ts';

describeCoordination('memory', async () => new MemoryCoordination());

describeCoordination('SQLite', async () => {
  const database = openSqlite<CoordinationTables>(':memory:');
  await migrateCoordination({ engine: 'sqlite', database });
  await migrateCoordination({ engine: 'sqlite', database });
  return new SqlCoordination(database);
});
