// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import type { Coordination, Cursor } from './coordination.ts';
import type { CoordinationTables } from './schema.ts';

/** Leases and cursors in two tables of SQLite, PostgreSQL or MySQL; the caller has migrated the database. */
export class SqlCoordination implements Coordination {
  readonly #database: Kysely<CoordinationTables>;

  constructor(database: Kysely<CoordinationTables>) {
    this.#database = database;
  }

  async acquire(lease: string, holder: string, milliseconds: number, now: Date): Promise<boolean> {
    const row = { holder, until_ms: now.getTime() + milliseconds };
    const { numUpdatedRows } = await this.#database
      .updateTable('hallmark_lease')
      .set(row)
      .where('name', '=', lease)
      .where(({ eb, or }) => or([eb('holder', '=', holder), eb('until_ms', '<=', now.getTime())]))
      .executeTakeFirstOrThrow();
    if (numUpdatedRows > 0n) return true;
    return this.#insert(lease, row);
  }

  /** Nobody's lease yet: whoever writes the row first has it. What failed for another reason fails on the look. */
  async #insert(lease: string, row: { readonly holder: string; readonly until_ms: number }): Promise<boolean> {
    if ((await this.#holder(lease)) !== undefined) return false;
    try {
      await this.#database
        .insertInto('hallmark_lease')
        .values({ name: lease, ...row })
        .execute();
      return true;
    } catch (error) {
      if ((await this.#holder(lease)) !== undefined) return false;
      throw error;
    }
  }

  async #holder(lease: string): Promise<string | undefined> {
    const row = await this.#database
      .selectFrom('hallmark_lease')
      .select('holder')
      .where('name', '=', lease)
      .executeTakeFirst();
    return row?.holder;
  }

  async release(lease: string, holder: string): Promise<void> {
    await this.#database.deleteFrom('hallmark_lease').where('name', '=', lease).where('holder', '=', holder).execute();
  }

  async cursor(name: string): Promise<Cursor | undefined> {
    const row = await this.#database
      .selectFrom('hallmark_webhook_cursor')
      .selectAll()
      .where('name', '=', name)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const { position, attempts, failing_since_ms, retry_at_ms } = row;
    return {
      // drivers give a BIGINT as text where it might not fit a number
      position: Number(position),
      attempts: Number(attempts),
      failingSince: date(failing_since_ms),
      retryAt: date(retry_at_ms),
    };
  }

  async moveCursor(name: string, from: number | undefined, to: Cursor): Promise<boolean> {
    const row = {
      position: to.position,
      attempts: to.attempts,
      failing_since_ms: to.failingSince?.getTime() ?? null,
      retry_at_ms: to.retryAt?.getTime() ?? null,
    };
    if (from === undefined) return this.#makeCursor(name, row);
    const { numUpdatedRows } = await this.#database
      .updateTable('hallmark_webhook_cursor')
      .set(row)
      .where('name', '=', name)
      .where('position', '=', from)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  async #makeCursor(name: string, row: Omit<CoordinationTables['hallmark_webhook_cursor'], 'name'>): Promise<boolean> {
    if ((await this.cursor(name)) !== undefined) return false;
    try {
      await this.#database
        .insertInto('hallmark_webhook_cursor')
        .values({ name, ...row })
        .execute();
      return true;
    } catch (error) {
      if ((await this.cursor(name)) !== undefined) return false;
      throw error;
    }
  }
}

function date(milliseconds: number | string | null): Date | undefined {
  return milliseconds === null ? undefined : new Date(Number(milliseconds));
}
