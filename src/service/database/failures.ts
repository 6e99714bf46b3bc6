// SPDX-License-Identifier: Apache-2.0

/** How the engines say the same things: the one place that knows their codes. */
interface EngineError extends Error {
  readonly code?: string;
  /** MySQL's number. */
  readonly errno?: number;
  /** MySQL's five characters, only where the server itself spoke. */
  readonly sqlState?: string;
  /** PostgreSQL's, only where the server itself spoke; `code` is its SQLSTATE then. */
  readonly severity?: string;
}

function engineError(error: unknown): EngineError | undefined {
  return error instanceof Error ? error : undefined;
}

/** A row with this key exists. */
export function isUniqueViolation(error: unknown): boolean {
  const failed = engineError(error);
  return failed?.code === 'SQLITE_CONSTRAINT_UNIQUE' || failed?.code === '23505' || failed?.errno === 1062;
}

/**
 * The server said that the statement failed: it was not done. Anything else, such as a connection that broke or a server that
 * shuts down, leaves open what became of it.
 */
export function isDefinite(error: unknown): boolean {
  const failed = engineError(error);
  // the word itself is in the server's language
  if (failed?.severity !== undefined) return !/^(57P|08|58|XX)/.test(failed.code ?? '');
  if (failed?.code?.startsWith('SQLITE_') === true) return true;
  return failed?.sqlState !== undefined && !SHUTDOWN.has(failed.errno ?? 0);
}

/** Server shutdown, connection killed, query interrupted by it. */
const SHUTDOWN: ReadonlySet<number> = new Set([1053, 1927, 3169, 4031]);

/** The engine gave up on the transaction for the sake of another: the same again may succeed. */
export function isTransient(error: unknown): boolean {
  const failed = engineError(error);
  return TRANSIENT_STATES.has(failed?.code ?? '') || TRANSIENT_NUMBERS.has(failed?.errno ?? 0);
}

/** Serialization failure, deadlock, lock not available. */
const TRANSIENT_STATES: ReadonlySet<string> = new Set(['40001', '40P01', '55P03']);
/** Lock wait timeout, deadlock, record changed since it was read, and a cluster's certification failure. */
const TRANSIENT_NUMBERS: ReadonlySet<number> = new Set([1020, 1180, 1205, 1213]);

/** A text that the column's character set cannot hold, or be compared with. */
export function isUnstorableText(error: unknown): boolean {
  const failed = engineError(error);
  return failed?.code === '22P05' || failed?.code === '22021' || failed?.errno === 1366 || failed?.errno === 1267;
}

/** There is no such table. */
export function isMissingTable(error: unknown): boolean {
  const failed = engineError(error);
  return failed?.code === '42P01' || failed?.errno === 1146 || /^no such table\b/.test(failed?.message ?? '');
}

/** A connection that stood is gone. Nothing is known of the statement that was under way. */
export function isConnectionLoss(error: unknown): boolean {
  const failed = engineError(error);
  if (failed === undefined || isDefinite(failed)) return false;
  return (
    /^(ECONNRESET|EPIPE|ECONNABORTED|PROTOCOL_CONNECTION_LOST|57P0[12]|08006|08003)$/.test(failed.code ?? '') ||
    SHUTDOWN.has(failed.errno ?? 0) ||
    /^Connection terminated|not queryable|in closed state|was closed/.test(failed.message)
  );
}

/** The server cannot be reached at the moment, or is silent. */
export function isUnreachable(error: unknown): boolean {
  const failed = engineError(error);
  return (
    /^(ECONNREFUSED|ENOENT|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|57P03|PROTOCOL_SEQUENCE_TIMEOUT)$/.test(
      failed?.code ?? '',
    ) || /timeout/i.test(failed?.message ?? '')
  );
}
