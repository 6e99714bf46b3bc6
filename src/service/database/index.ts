// SPDX-License-Identifier: Apache-2.0
/**
 * Opens the databases that services keep their state in: SQLite, PostgreSQL, MySQL and MariaDB. It knows engines and
 * durability, never a table: schemas and queries belong to whoever stores something.
 *
 *     const { database, engine } = await openDatabase<Tables>({ engine: 'postgres', url: 'postgres://me@db/trust' });
 *     const rows = await database.selectFrom('tuf_files').selectAll().execute();
 *     await database.destroy();
 */
export { PATIENCE, readAgain, transact, writeAgain } from './attempts.ts';
export { copyTable, hasTable, type NumberedTable, type TableCopy } from './copy-table.ts';
export { type DatabaseAddress, type DatabaseEngine, DatabaseOpenError } from './database-address.ts';
export { isDefinite, isUniqueViolation, isUnstorableText } from './failures.ts';
export {
  MigrationError,
  type MigrationSteps,
  migrateDatabase,
  type Schema,
} from './migrations.ts';
export type { MysqlDatabase } from './mysql.ts';
export { bytesLiteral, nullable, numberLiteral, textLiteral } from './mysql-literals.ts';
export { advisoryKey, lockName, MYSQL_LOCK_TABLE, mysqlLock } from './name-lock.ts';
export { type OpenedDatabase, openDatabase, type SqliteDatabase } from './open-database.ts';
export { OpenEnded } from './open-ended.ts';
export type { PostgresDatabase } from './postgres.ts';
export { migrateSchemas, pendingSchemas, type SchemaSteps } from './prepare.ts';
export { openSqlite } from './sqlite.ts';
export { StatementTooLargeError } from './statement-too-large.ts';
export { DatabaseUnavailableError, toldUnavailable, unlessAway } from './unavailable.ts';
