// SPDX-License-Identifier: Apache-2.0
import {
  createKeyRequest,
  healthCheckRequest,
  healthCheckResponse,
  keyIdMessage,
  keyInfoResponse,
  nothing,
  publicKeyMessage,
  signatureMessage,
  signatureRequest,
} from './messages.ts';
import type { Codec } from './wire.ts';

/** One call: a request, a response. */
export interface Method<Request, Response> {
  readonly path: string;
  readonly request: Codec<Request>;
  readonly response: Codec<Response>;
}

export type RequestOf<M> = M extends Method<infer Request, infer _> ? Request : never;
export type ResponseOf<M> = M extends Method<infer _, infer Response> ? Response : never;

/** Metadata of a call, ours alone: what the client calls the request that the call is made for. Notary's signer passes over it. */
export const REQUEST_ID_METADATA = 'x-request-id';

export const CREATE_KEY = method('/proto.KeyManagement/CreateKey', createKeyRequest, publicKeyMessage);
export const DELETE_KEY = method('/proto.KeyManagement/DeleteKey', keyIdMessage, nothing);
export const GET_KEY_INFO = method('/proto.KeyManagement/GetKeyInfo', keyIdMessage, keyInfoResponse);
export const SIGN = method('/proto.Signer/Sign', signatureRequest, signatureMessage);
export const HEALTH_CHECK = method('/grpc.health.v1.Health/Check', healthCheckRequest, healthCheckResponse);

/** What the health service is asked about: all of it, and its two parts by the names that Notary gave them. */
export const HEALTH_SERVICES = ['', 'grpc.health.v1.Health.KeyManagement', 'grpc.health.v1.Health.Signer'] as const;

/** The largest message, in bytes: what Notary's signer, which takes its library's default, accepts as well. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

function method<Request, Response>(
  path: string,
  request: Codec<Request>,
  response: Codec<Response>,
): Method<Request, Response> {
  return { path, request, response };
}
