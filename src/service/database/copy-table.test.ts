// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { sql } from 'kysely';
import { SERVER_ENGINES, scratchDatabases } from '../../../test/support/databases.ts';
import { hasTable } from './copy-table.ts';
import { openDatabase } from './open-database.ts';

for (const engine of ['sqlite', ...SERVER_ENGINES] as const) {
  const scratch = scratchDatabases(engine);

  test(`a table that cannot be asked for is not taken for one that is not there (${engine})`, async () => {
    const opened = await openDatabase<unknown>(await scratch());
    const table = (name: string) => hasTable(opened, { name, columns: [], times: [] });
    await sql`create table there (id integer)`.execute(opened.database);

    expect([await table('there'), await table('missing')]).toEqual([true, false]);
    await opened.database.destroy();
    await expect(table('there')).rejects.toThrow();
  });
}
