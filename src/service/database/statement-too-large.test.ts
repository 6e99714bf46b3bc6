// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { sql } from 'kysely';
import { SERVER_ENGINES, scratchDatabases } from '../../../test/support/databases.ts';
import { bytesLiteral } from './mysql-literals.ts';
import { openDatabase } from './open-database.ts';
import { StatementTooLargeError } from './statement-too-large.ts';

if (SERVER_ENGINES.includes('mysql')) {
  const scratch = scratchDatabases('mysql');

  test('what MySQL takes at once is asked before more is sent, and the connection stays', async () => {
    const opened = await openDatabase({ ...(await scratch()), engine: 'mysql', poolSize: 1 });
    if (opened.engine !== 'mysql') throw new Error('opened another engine');
    const session = sql<{ id: number; bytes: number }>`select connection_id() as id, @@max_allowed_packet as bytes`;
    const [before] = (await session.execute(opened.database)).rows;
    const content = bytesLiteral(new Uint8Array(((before?.bytes ?? 0) * 3) / 4));

    await expect(opened.atomically([`do ${content}`, 'select 1 as done'])).rejects.toBeInstanceOf(
      StatementTooLargeError,
    );

    expect(await opened.atomically(['do 1', 'select 1 as done'])).toEqual([{ done: 1 }]);
    expect((await session.execute(opened.database)).rows).toEqual([before as never]);
    await opened.database.destroy();
  });
}
