// SPDX-License-Identifier: Apache-2.0
/**
 * Leases and cursors that replicas share through their database. It never decides what work there is, and nothing that
 * must happen only once may rest on a lease alone.
 *
 *     await migrateDatabase(opened, COORDINATION_SCHEMA);
 *     const coordination = new SqlCoordination(opened.database);
 *     if (await coordination.acquire('renewal', holder, 60_000, now)) await renewAll();
 */
export { type Coordination, type Cursor, MemoryCoordination } from './coordination.ts';
export { LeasedLoop } from './leased-loop.ts';
export { COORDINATION_SCHEMA, type CoordinationTables } from './schema.ts';
export { SqlCoordination } from './sql-coordination.ts';
