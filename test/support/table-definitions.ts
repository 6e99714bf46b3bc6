// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import type { ServerEngine } from './databases.ts';

/** Everything that a database says of a table: columns, defaults, keys and indices, one line each. */
export async function definitionOf<Tables>(
  database: Kysely<Tables>,
  engine: ServerEngine,
  table: string,
): Promise<readonly string[]> {
  if (engine === 'mysql') {
    const { rows } = await sql<Record<string, string>>`show create table ${sql.table(table)}`.execute(database);
    const [, text = ''] = Object.values(rows[0] ?? {});
    return text.replace(/ AUTO_INCREMENT=\d+/, '').split('\n');
  }
  const columns = await sql<{ line: string }>`select concat_ws(' ', column_name, data_type, character_maximum_length,
      is_nullable, column_default) as line
    from information_schema.columns where table_name = ${table} and table_schema = 'public' order by ordinal_position`.execute(
    database,
  );
  const indices = await sql<{ line: string }>`select indexdef as line from pg_indexes where tablename = ${table}
    order by indexname`.execute(database);
  const constraints = await sql<{ line: string }>`select conname || ' ' || pg_get_constraintdef(oid) as line
    from pg_constraint where conrelid = to_regclass(${table}) and contype <> 'n' order by conname`.execute(database);
  return [...columns.rows, ...indices.rows, ...constraints.rows].map(({ line }) => line);
}
