// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { type MetadataTables, migrateMetadata, SqliteStorage } from '../../src/server/index.ts';
import { openSqlite } from '../../src/service/database/index.ts';
import { createPrivateKeysTable, type ServiceKeyTables, SqlServiceKeys } from '../../src/signing/service-keys/index.ts';
import { describeKeysUnderFaults, describePublishUnderFaults } from '../faults/publish.contract.ts';
import { runFaults } from '../faults/start.ts';

/** Those that take longer, and all that are killed, are in the interop suite. */
const QUICK = [
  'first use',
  'pins are replaced',
  'keys are restored into an empty directory',
  'keys are restored beside others',
  'changes are staged and dropped',
  'a staged update gets another signature',
];

describe('a write fails, done or not done', () => {
  for (const name of QUICK) {
    test(name, async () => {
      const { harm, faults } = await runFaults(name);

      expect(harm).toEqual([]);
      expect(faults).toBeGreaterThan(1);
    }, 60_000);
  }
});

describePublishUnderFaults('SQLite', async () => {
  const database = openSqlite<MetadataTables>(':memory:');
  await migrateMetadata(database);
  return { database, part: new SqliteStorage(database) };
});

describeKeysUnderFaults('SqlServiceKeys on SQLite', async () => {
  const database = openSqlite<ServiceKeyTables>(':memory:');
  await createPrivateKeysTable(database);
  const options = { defaultAlias: 'a', passphrase: () => 'passphrase of a test', now: () => new Date() };
  return { database, part: new SqlServiceKeys(database, options) };
});
