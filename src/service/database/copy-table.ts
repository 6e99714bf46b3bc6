// SPDX-License-Identifier: Apache-2.0
import { createHash, type Hash } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import { readAgain, transact } from './attempts.ts';
import { isMissingTable } from './failures.ts';
import type { OpenedDatabase } from './open-database.ts';

/** A table whose rows are numbered by `id`, and never change their number. */
export interface NumberedTable {
  readonly name: string;
  /** All columns but `id`. */
  readonly columns: readonly string[];
  /** Those with a moment, which one engine keeps to the second and another to the microsecond. */
  readonly times: readonly string[];
  /** Those of fixed width, whose padding means nothing. */
  readonly padded?: readonly string[];
}

/** What a copy did; all rows were compared afterwards. */
export interface TableCopy {
  readonly name: string;
  /** In all, those that were there before included. */
  readonly rows: number;
  readonly copied: number;
  /** Over all rows in their order, as both databases have them. */
  readonly sha256: string;
}

/** The rows of two databases do not fit together; the message says where and what to do. */
class TableCopyError extends Error {
  override readonly name = 'TableCopyError';
  readonly table: string;

  constructor(table: string, message: string) {
    super(`${table}: ${message}`);
    this.table = table;
  }
}

type Row = Readonly<Record<string, unknown>> & { readonly id: number };
/** Any tables: the names come from a {@link NumberedTable}. */
type Tables = Record<string, Record<string, unknown>>;
type Opened = OpenedDatabase<Tables>;

const PAGE = 32;
/** Of one statement, in bytes: below what servers take at once. */
const STATEMENT_BYTES = 512 * 1024;

/**
 * Copies all rows in their order, with their numbers, in transactions of a few rows. What an earlier call copied is not
 * copied again, so that one that broke off is gone on with. At the end both databases are read and compared, row by row.
 * @throws TableCopyError where the target has other rows under these numbers, or the source changed meanwhile
 */
export async function copyTable(
  from: OpenedDatabase<unknown>,
  to: OpenedDatabase<unknown>,
  table: NumberedTable,
  progress: (done: number, total: number) => void = () => {},
): Promise<TableCopy> {
  const [source, target] = [from as unknown as Opened, to as unknown as Opened];
  const [last, total] = await extent(source, table);
  const known = Math.min(last, (await extent(target, table))[0]);
  const [before, there] = [await digest(source, table, known), await digest(target, table, known)];
  if (before.sha256 !== there.sha256)
    throw new TableCopyError(table.name, 'the target has other rows already: copy into an empty database');
  let copied = 0;
  for await (const rows of pages(source, table, known, last)) {
    await transact(target, (transaction) => insert(transaction, target.engine, table, rows));
    copied += rows.length;
    progress(there.rows + copied, total);
  }
  if (copied > 0 && target.engine === 'postgres') await advanceSequence(target, table);
  const [expected, actual] = [await digest(source, table, last), await digest(target, table, last)];
  if (expected.sha256 !== actual.sha256)
    throw new TableCopyError(
      table.name,
      'the copy differs from what it was made of: stop the old server and begin anew',
    );
  return { name: table.name, rows: actual.rows, copied, sha256: actual.sha256 };
}

/** Whether the database has the table at all. Whatever else is wrong rejects: it must not pass for a table that is not there. */
export async function hasTable(opened: OpenedDatabase<unknown>, { name }: NumberedTable): Promise<boolean> {
  try {
    await sql`select 1 from ${sql.table(name)} where 1 = 0`.execute(opened.database);
    return true;
  } catch (error) {
    if (isMissingTable(error)) return false;
    throw error;
  }
}

/** The highest number, and how many rows there are. */
async function extent({ database }: Opened, { name }: NumberedTable): Promise<readonly [number, number]> {
  const query = database
    .selectFrom(name)
    .select(({ fn }) => [fn.max<number | null>('id').as('last'), fn.countAll<number>().as('total')]);
  const row = await readAgain(() => query.executeTakeFirstOrThrow());
  return [Number(row.last ?? 0), Number(row.total)];
}

async function* pages(
  { database }: Opened,
  table: NumberedTable,
  after: number,
  last: number,
): AsyncGenerator<readonly Row[]> {
  for (let position = after; position < last; ) {
    const query = database
      .selectFrom(table.name)
      .select(['id', ...table.columns])
      .where('id', '>', position)
      .where('id', '<=', last)
      .orderBy('id')
      .limit(PAGE);
    const rows = (await readAgain(() => query.execute())) as unknown as readonly Row[];
    if (rows.length === 0) return;
    yield rows;
    position = rows.at(-1)?.id ?? last;
  }
}

async function insert(
  transaction: Kysely<Tables>,
  engine: Opened['engine'],
  table: NumberedTable,
  rows: readonly Row[],
): Promise<void> {
  const values = rows.map((row) => written(row, engine, table));
  let group: Record<string, unknown>[] = [];
  let bytes = 0;
  const flush = async () => {
    if (group.length > 0) await transaction.insertInto(table.name).values(group).execute();
    [group, bytes] = [[], 0];
  };
  for (const value of values) {
    const size = Object.values(value).reduce<number>((sum, item) => sum + sizeOf(item), 0);
    if (bytes + size > STATEMENT_BYTES) await flush();
    group.push(value);
    bytes += size;
  }
  await flush();
}

function sizeOf(value: unknown): number {
  return value instanceof Uint8Array || typeof value === 'string' ? value.length : 8;
}

/** MySQL would round a moment up to the next second. */
function written(row: Row, engine: Opened['engine'], { times }: NumberedTable): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => {
      if (value instanceof Uint8Array) return [column, Buffer.from(value)];
      const isCut = engine === 'mysql' && times.includes(column) && typeof value === 'string';
      return [column, isCut ? value.slice(0, 19) : value];
    }),
  );
}

async function advanceSequence({ database }: Opened, { name }: NumberedTable): Promise<void> {
  await sql`select setval(pg_get_serial_sequence(${name}, 'id'), (select max(id) from ${sql.table(name)}))`.execute(
    database,
  );
}

/** Over all rows up to a number; moments to the second. */
async function digest(
  opened: Opened,
  table: NumberedTable,
  last: number,
): Promise<{ readonly rows: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  let count = 0;
  for await (const rows of pages(opened, table, 0, last)) {
    for (const row of rows) addRow(hash, row, table);
    count += rows.length;
  }
  return { rows: count, sha256: hash.digest('hex') };
}

function addRow(hash: Hash, row: Row, { columns, times, padded = [] }: NumberedTable): void {
  const cell = (column: string): unknown => {
    const value = row[column];
    if (value instanceof Uint8Array) return createHash('sha256').update(value).digest('hex');
    if (typeof value !== 'string') return value ?? null;
    if (times.includes(column)) return value.replace('T', ' ').slice(0, 19);
    return padded.includes(column) ? value.trimEnd() : value;
  };
  hash.update(`${JSON.stringify([Number(row.id), ...columns.map(cell)])}\n`);
}
