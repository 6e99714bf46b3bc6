// SPDX-License-Identifier: Apache-2.0
import { isConnectionLoss, isUnreachable } from './failures.ts';

/** The database is away; it may be back in a moment. Whoever reports it says whether anything may have been done. */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError';

  constructor(cause: unknown) {
    super(`the database cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/**
 * A driver's failure, told without the engine's codes where it is that the database is away. Outside of {@link readAgain}
 * and {@link writeAgain} only, which tell by those codes whether to go on.
 */
export function toldUnavailable(error: unknown): unknown {
  return isConnectionLoss(error) || isUnreachable(error) ? new DatabaseUnavailableError(error) : error;
}

/** Work that fails in no way but the driver's. @throws DatabaseUnavailableError */
export async function unlessAway<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toldUnavailable(error);
  }
}
