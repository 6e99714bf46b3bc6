// SPDX-License-Identifier: Apache-2.0
import { SERVER_ENGINES } from '../../../test/support/databases.ts';
import { sharedTables } from '../../../test/support/shared-tables.ts';
import { describeMetadataStorage } from './metadata-storage.contract.ts';
import { storageOn } from './open-storage.ts';
import { METADATA_SCHEMA, type MetadataTables } from './schema.ts';
import { describeSharedDatabase } from './shared-database.contract.ts';

for (const engine of SERVER_ENGINES) {
  const tables = ['changefeed', 'tuf_files', 'hallmark_audit', 'hallmark_expiry'] as const;
  const database = sharedTables<MetadataTables>(engine, METADATA_SCHEMA, tables);
  describeMetadataStorage(engine, async () => storageOn(await database.empty()));
  describeSharedDatabase(engine, database);
}
