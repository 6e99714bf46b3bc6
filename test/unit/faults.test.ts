// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { openMetadataStorage } from '../../src/server/index.ts';
import { migrateDatabase, openDatabase } from '../../src/service/database/index.ts';
import { SERVICE_KEY_SCHEMA, type ServiceKeyTables, SqlServiceKeys } from '../../src/signing/service-keys/index.ts';
import { describeKeysUnderFaults, describePublishUnderFaults } from '../faults/publish.contract.ts';
import { runFaults } from '../faults/start.ts';
import { SERVER_ENGINES, scratchDatabases } from '../support/databases.ts';

/** Those that take longer, and all that are killed, are in the interop suite. */
const QUICK = [
  'first use',
  'pins are replaced',
  'keys are restored into an empty directory',
  'keys are restored beside others',
  'changes are staged and dropped',
  'a staged update gets another signature',
  'an audit file is made',
  'entries are copied into the audit file',
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

for (const engine of ['sqlite', ...SERVER_ENGINES] as const) {
  const fresh = scratchDatabases(engine);
  const closing: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const close of closing) await close();
  });

  describePublishUnderFaults(engine, async () => {
    const { storage, opened, close } = await openMetadataStorage(await fresh());
    closing.push(close);
    return { database: opened.database, part: storage };
  });

  describeKeysUnderFaults(engine, async () => {
    const opened = await openDatabase<ServiceKeyTables>(await fresh());
    closing.push(() => opened.database.destroy());
    await migrateDatabase(opened, SERVICE_KEY_SCHEMA);
    const options = { defaultAlias: 'a', passphrase: () => 'passphrase of a test', now: () => new Date() };
    return { database: opened.database, part: new SqlServiceKeys(opened, options) };
  });
}
