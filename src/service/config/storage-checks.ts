// SPDX-License-Identifier: Apache-2.0
import { pendingSchemas, type Schema } from '../database/index.ts';
import type { NamedCheck } from './checks.ts';
import { databaseAddress } from './database.ts';
import type { StorageSettings } from './sections.ts';

/** The file of a database's password, if there is one. */
export function storageSecret(storage: StorageSettings): string | undefined {
  return 'passwordFile' in storage ? storage.passwordFile : undefined;
}

/** That a database can be reached, and that its tables are those of this program. Nothing is changed. */
export function storageChecks(
  name: string,
  storage: StorageSettings,
  schemas: readonly Schema[],
): readonly NamedCheck[] {
  if (storage.engine === 'memory') return [];
  const look = async () => {
    const address = await databaseAddress(storage);
    const pending = address === undefined ? [] : await pendingSchemas(address, schemas);
    const steps = pending.flatMap(({ purpose, steps: names }) => names.map((step) => `${purpose}: ${step}`));
    if (steps.length === 0) return `${storage.engine}, reachable and up to date`;
    throw new Error(`not up to date: ${steps.join(', ')}; the service does this at its start, or hallmark migrate`);
  };
  return [[name, look]];
}
