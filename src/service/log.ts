// SPDX-License-Identifier: Apache-2.0
import { type DestinationStream, destination, pino } from 'pino';
import { currentRequest } from './request-context.ts';

/** Structured events. Fields never hold a secret: they are written as they are. */
export interface Log {
  /** Whether `debug` says anything: what is built for it alone need not be built. */
  readonly isDebug: boolean;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** From the most talkative to none. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A log that can be made to say more or less while the service runs. */
export interface AdjustableLog extends Log {
  readonly level: LogLevel;
  setLevel(level: LogLevel): void;
}

const STDERR = 2;

/**
 * JSON lines on stderr, or on `output`. An `error` field is written with its name, message, stack and causes; whatever is
 * said while a request is answered bears its `requestId`, and `traceId` where it is traced.
 */
export function openLog(
  level: LogLevel,
  output: DestinationStream = destination({ fd: STDERR, sync: true }),
): AdjustableLog {
  const serializers = { error: (error: unknown) => (error instanceof Error ? describe(error) : String(error)) };
  const formatters = { level: (label: string) => ({ level: label }) };
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers, formatters, mixin };
  const logger = pino(options, output);
  const setLevel = (next: LogLevel) => {
    logger.level = next;
  };
  return Object.defineProperties(logger, {
    isDebug: { get: () => logger.isLevelEnabled('debug') },
    setLevel: { value: setLevel },
  }) as unknown as AdjustableLog;
}

function mixin(): object {
  const request = currentRequest();
  if (request === undefined) return {};
  return request.span === undefined
    ? { requestId: request.id }
    : { requestId: request.id, traceId: request.span.traceId };
}

/** A log that says nothing. */
export const SILENT_LOG: Log = { isDebug: false, debug() {}, info() {}, warn() {}, error() {} };

/** Causes nest as deep as they were thrown; this much of them tells what happened. */
const MAX_CAUSES = 5;

function describe(error: Error, depth = 0): object {
  const { name, message, stack, cause } = error;
  const code = 'code' in error ? { code: error.code } : {};
  const because = cause instanceof Error && depth < MAX_CAUSES ? { cause: describe(cause, depth + 1) } : {};
  return { name, message, ...code, stack, ...because };
}
