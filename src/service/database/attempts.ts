// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import { isConnectionLoss, isDefinite, isTransient, isUnreachable } from './failures.ts';
import type { OpenedDatabase } from './open-database.ts';
import { OpenEnded } from './open-ended.ts';

/** Milliseconds before each further attempt; together some seconds, in which a server restarts or another takes over. */
export const PATIENCE: readonly number[] = [10, 50, 200, 500, 1000, 2000];

/** A read that is done once more when its connection turns out to have been closed, by a restart of the server perhaps. */
export async function readAgain<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await read();
    } catch (error) {
      // other connections of the pool may be as dead: in a moment it knows
      const wait = PATIENCE[attempt];
      if (attempt === 2 || wait === undefined || !isConnectionLoss(error)) throw error;
      await pause(wait);
    }
  }
}

/**
 * A write that is begun anew, a few times, when the engine gave up on it for another's sake or its connection was lost.
 * `write` is told whether an earlier attempt may have been done all the same: then it must look, and its locks see to it that
 * the earlier one has ended. What is still not known at the end is reported by the error that `unknown` makes.
 */
export async function writeAgain<T>(
  write: (mayBeDone: boolean) => Promise<T>,
  unknown: (cause: unknown) => Error,
  patience = PATIENCE,
): Promise<T> {
  let mayBeDone = false;
  for (let attempt = 0; ; attempt++) {
    try {
      return await write(mayBeDone);
    } catch (error) {
      if (error instanceof OpenEnded) mayBeDone = true;
      const cause = error instanceof OpenEnded ? error.cause : error;
      const again = error instanceof OpenEnded || isTransient(cause) || isConnectionLoss(cause);
      if (!again && !(mayBeDone && isUnreachable(cause))) throw cause;
      const wait = patience[attempt];
      if (wait === undefined) throw mayBeDone ? unknown(cause) : cause;
      await pause(wait * (0.5 + Math.random()));
    }
  }
}

/**
 * One transaction: all that `work` does, or nothing. On a server each statement sees what is committed when it begins.
 * @throws OpenEnded when the connection was lost while the transaction was being committed
 */
export async function transact<Tables, R>(
  { engine, database }: OpenedDatabase<Tables>,
  work: (transaction: Kysely<Tables>) => Promise<R>,
): Promise<R> {
  return database.connection().execute(async (transaction) => {
    const run = (text: string) => sql.raw(text).execute(transaction);
    await run(engine === 'postgres' ? 'begin isolation level read committed' : 'begin');
    let result: R;
    try {
      result = await work(transaction);
    } catch (error) {
      // where the connection is gone, so is the transaction
      await run('rollback').catch(() => {});
      throw error;
    }
    try {
      await run('commit');
    } catch (error) {
      // SQLite's one connection would stay inside of the transaction, and every later one fail; what was committed stays so
      await run('rollback').catch(() => {});
      throw isDefinite(error) ? error : new OpenEnded(error);
    }
    return result;
  });
}
