// SPDX-License-Identifier: Apache-2.0
import { SERVER_ENGINES } from '../../../test/support/databases.ts';
import { metadataDatabase, storageOn } from '../../../test/support/metadata-databases.ts';
import { describeMetadataStorage } from './metadata-storage.contract.ts';
import { describeSharedDatabase } from './shared-database.contract.ts';

for (const engine of SERVER_ENGINES) {
  const database = metadataDatabase(engine);
  describeMetadataStorage(engine, async () => storageOn(await database.empty()));
  describeSharedDatabase(engine, database);
}
