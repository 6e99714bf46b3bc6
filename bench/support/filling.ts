// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import { type DatabaseAddress, openDatabase } from '../../src/service/database/index.ts';
import type { Gun } from '../../src/tuf/index.ts';

const BATCH = 10_000;

/** Which rows are copied, and under which names: `<prefix>/<number>`, from `from` to below `to`. */
export interface Copies {
  readonly template: Gun;
  readonly roles: readonly string[];
  readonly prefix: string;
  readonly from: number;
  readonly to: number;
  /**
   * Whether each copy is filed under a hash of its own. The original finds a root by the hash in the snapshot, so there it is
   * not; but an index in which a million rows share one hash would be read from end to end.
   */
  readonly ownHashes: boolean;
}

/**
 * Copies the rows of one repository under other names, by statements of the database: what a server reads is there, though
 * nobody could verify it under these names.
 */
export async function copyRepository(address: DatabaseAddress, copies: Copies): Promise<void> {
  const { database } = await openDatabase<unknown>({ ...address, poolSize: 1 });
  try {
    for (let first = copies.from; first < copies.to; first += BATCH)
      await copyBatch(database, address.engine, copies, first, Math.min(first + BATCH, copies.to) - 1);
    for (const statement of SETTLE[address.engine]) await sql.raw(statement).execute(database);
  } finally {
    await database.destroy();
  }
}

/** What the database would do by and by, while others measure. */
const SETTLE: Readonly<Record<DatabaseAddress['engine'], readonly string[]>> = {
  postgres: ['vacuum (analyze) tuf_files', 'checkpoint'],
  mysql: ['analyze table tuf_files'],
  sqlite: [],
};

async function copyBatch(
  database: Kysely<unknown>,
  engine: DatabaseAddress['engine'],
  { template, prefix, roles, ownHashes }: Copies,
  first: number,
  last: number,
): Promise<void> {
  const [numbers, name, hash] =
    engine === 'postgres'
      ? [
          sql`generate_series(${sql.lit(first)}, ${sql.lit(last)}) as numbers (seq)`,
          sql`${`${prefix}/`}::text || numbers.seq`,
          sql`encode(sha256((sha256 || numbers.seq)::bytea), 'hex')`,
        ]
      : [
          sql.raw(`seq_${first}_to_${last} as numbers`),
          sql`concat(${`${prefix}/`}, numbers.seq)`,
          sql`sha2(concat(sha256, numbers.seq), 256)`,
        ];
  await sql`insert into tuf_files (created_at, updated_at, gun, role, version, data, sha256)
    select created_at, updated_at, ${name}, role, version, data, ${ownHashes ? hash : sql.ref('sha256')} from tuf_files cross join ${numbers}
    where gun = ${template} and role in (${sql.join(roles)})`.execute(database);
}
