// SPDX-License-Identifier: Apache-2.0
import { DecodeError, decodeJsonObject, type JsonObject, type JsonValue } from '../encoding/index.ts';
import { EngineError } from './errors.ts';

/** One line of what the daemon says while it works. */
export interface EngineProgress {
  /** Layer or tag concerned. */
  readonly id?: string;
  readonly status: string;
  /** Bytes so far. */
  readonly current?: number;
  readonly total?: number;
}

export interface EngineMessage {
  readonly progress?: EngineProgress;
  readonly aux?: JsonObject;
  readonly stream?: string;
  /** The daemon's own words for a failure after it had answered 200. */
  readonly error?: string;
}

const MAX_LINE = 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * The messages of a stream of JSON lines. An answer that ends within a line was cut off, and says so instead of passing
 * for success.
 * @throws EngineError `malformed`
 */
export async function* messagesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<EngineMessage> {
  let rest: Uint8Array = new Uint8Array();
  for await (const chunk of body) {
    rest = rest.length === 0 ? chunk : new Uint8Array(Buffer.concat([rest, chunk]));
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      const line = rest.subarray(0, end);
      rest = rest.subarray(end + 1);
      if (!isBlank(line)) yield decodeMessage(line);
    }
    if (rest.length > MAX_LINE)
      throw new EngineError('malformed', `a line of more than ${MAX_LINE} bytes from the Docker daemon`);
  }
  if (!isBlank(rest)) yield decodeMessage(rest);
}

function decodeMessage(line: Uint8Array): EngineMessage {
  try {
    return messageOf(decodeJsonObject(line, { depth: 32, values: 10_000 }));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new EngineError('malformed', 'an answer of the Docker daemon is cut off or no JSON', { cause: error });
  }
}

function messageOf(object: JsonObject): EngineMessage {
  const detail = objectAt(object, 'progressDetail');
  const status = object.get('status');
  const id = object.get('id');
  const aux = objectAt(object, 'aux');
  const stream = object.get('stream');
  const error = objectAt(object, 'errorDetail')?.get('message') ?? object.get('error');
  const current = numberAt(detail, 'current');
  const total = numberAt(detail, 'total');
  return {
    ...(typeof status === 'string'
      ? {
          progress: {
            status,
            ...(typeof id === 'string' ? { id } : {}),
            ...(current === undefined ? {} : { current }),
            ...(total === undefined ? {} : { total }),
          },
        }
      : {}),
    ...(aux === undefined ? {} : { aux }),
    ...(typeof stream === 'string' ? { stream } : {}),
    ...(typeof error === 'string' ? { error } : {}),
  };
}

function objectAt(object: JsonObject | undefined, key: string): JsonObject | undefined {
  const value: JsonValue | undefined = object?.get(key);
  return value instanceof Map ? (value as JsonObject) : undefined;
}

function numberAt(object: JsonObject | undefined, key: string): number | undefined {
  const value = object?.get(key);
  return typeof value === 'number' ? value : undefined;
}

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09 || byte === NEWLINE);
}
