// SPDX-License-Identifier: Apache-2.0
import {
  type handleUnaryCall,
  type MethodDefinition,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { DecodeError } from '../encoding/index.ts';
import type { Log } from '../service/index.ts';
import type { Method } from '../signing/protocol/index.ts';
import { type ClientIdentity, identityOf, requestIdOf } from './client-identity.ts';
import { SigningRefusal, statusOf } from './refusals.ts';

/** What calls may cost. */
export interface CallLimits {
  /** Calls under way at once; more are refused at once. */
  readonly inFlight: number;
  /** How long a call may take, in milliseconds. */
  readonly deadlineMs: number;
}

export const DEFAULT_CALL_LIMITS: CallLimits = { inFlight: 256, deadlineMs: 10_000 };

/** Answers a request, or throws {@link SigningRefusal}. */
export type Handler<Request, Response> = (request: Request, client: ClientIdentity) => Promise<Response>;

type Definition = MethodDefinition<Buffer, Uint8Array>;

/** Turns handlers into what the gRPC server calls: names the client, bounds what is under way, maps what is thrown. */
export class Calls {
  readonly #limits: CallLimits;
  readonly #log: Log;
  #inFlight = 0;

  constructor(limits: CallLimits, log: Log) {
    this.#limits = limits;
    this.#log = log;
  }

  handle<Request, Response>(
    { request, response }: Method<Request, Response>,
    handler: Handler<Request, Response>,
  ): handleUnaryCall<Buffer, Uint8Array> {
    return (call, callback) => {
      const answer = async () => {
        const client = identityOf(call);
        return response.encode(await handler(decoded(request, call.request), client));
      };
      this.#run(answer).then(
        (bytes) => callback(null, bytes),
        (error: unknown) => this.#refuse(error, call, callback),
      );
    };
  }

  async #run(answer: () => Promise<Uint8Array>): Promise<Uint8Array> {
    if (this.#inFlight >= this.#limits.inFlight) throw new SigningRefusal('busy', 'too many calls are under way');
    this.#inFlight += 1;
    // a call that is given up still counts for as long as it goes on
    const work = answer().finally(() => {
      this.#inFlight -= 1;
    });
    return withinTime(work, this.#limits.deadlineMs);
  }

  #refuse(error: unknown, call: ServerUnaryCall<Buffer, Uint8Array>, callback: sendUnaryData<Uint8Array>): void {
    const refusal = error instanceof SigningRefusal ? error : undefined;
    const fields = { method: call.getPath(), peer: call.getPeer(), ...requestIdOf(call), error };
    if (refusal === undefined || refusal.code === 'failed' || refusal.code === 'creation-failed')
      this.#log.error(fields, 'call failed');
    else this.#log.info({ ...fields, error: refusal.message }, 'call refused');
    callback(
      refusal === undefined
        ? { code: status.INTERNAL, details: 'internal error' }
        : { code: statusOf(refusal), details: refusal.message },
    );
  }
}

/** How the gRPC server is told of a method: bytes in, bytes out, since what cannot be decoded is the client's fault. */
export function definitionOf({ path }: Pick<Method<never, never>, 'path'>): Definition {
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: (bytes) => bytes,
    requestDeserialize: (bytes) => bytes,
    responseSerialize: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    responseDeserialize: (bytes) => bytes,
  };
}

function decoded<T>(codec: { decode(bytes: Uint8Array): T }, bytes: Uint8Array): T {
  try {
    return codec.decode(bytes);
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
    throw new SigningRefusal('invalid', cause.message, { cause });
  }
}

function withinTime<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new SigningRefusal('too-slow', 'the call took too long'));
    const timer = setTimeout(late, milliseconds);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
