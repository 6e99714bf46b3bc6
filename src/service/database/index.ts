// SPDX-License-Identifier: Apache-2.0
/**
 * Opens the databases that services keep their state in. It knows engines and durability, never a table: schemas and
 * queries belong to whoever stores something.
 *
 *     const database = openSqlite<Tables>('/var/lib/hallmark/server.db');   // created with mode 0600 when missing
 *     await migrate(database);
 *     const rows = await database.selectFrom('tuf_files').selectAll().execute();
 *     await database.destroy();
 */
export { DatabaseOpenError, openSqlite } from './sqlite.ts';
