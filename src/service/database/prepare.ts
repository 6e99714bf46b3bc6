// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import type { DatabaseAddress, DatabaseEngine } from './database-address.ts';
import { migrateDatabase, pendingSteps, type Schema } from './migrations.ts';
import { openDatabase } from './open-database.ts';

/** The numbered steps of one schema: done now, or still to do. */
export interface SchemaSteps {
  readonly purpose: string;
  readonly engine: DatabaseEngine;
  readonly steps: readonly string[];
}

/**
 * Brings several schemas in one database up to date, and says what was done for each.
 * @throws DatabaseAddressError, DatabaseOpenError, MigrationError
 */
export async function migrateSchemas(
  address: DatabaseAddress,
  schemas: readonly Schema[],
): Promise<readonly SchemaSteps[]> {
  const opened = await openDatabase(address);
  try {
    const done: SchemaSteps[] = [];
    for (const schema of schemas) {
      const steps = await migrateDatabase(opened, schema);
      done.push({ purpose: schema.purpose, engine: address.engine, steps });
    }
    return done;
  } finally {
    await opened.database.destroy();
  }
}

/**
 * What would have to be done; nothing is changed, and an SQLite file that is missing is not made.
 * @throws DatabaseAddressError, DatabaseOpenError
 */
export async function pendingSchemas(
  address: DatabaseAddress,
  schemas: readonly Schema[],
): Promise<readonly SchemaSteps[]> {
  const { engine } = address;
  if (engine === 'sqlite' && !existsSync(address.url)) {
    return schemas.map(({ purpose, steps }) => ({ purpose, engine, steps: Object.keys(steps[engine]) }));
  }
  const opened = await openDatabase(address);
  try {
    const pending = schemas.map(async (schema) => ({
      purpose: schema.purpose,
      engine,
      steps: await pendingSteps(opened, schema),
    }));
    return await Promise.all(pending);
  } finally {
    await opened.database.destroy();
  }
}
