// SPDX-License-Identifier: Apache-2.0
/**
 * What a signing service and its clients say to each other: Notary's gRPC calls and messages (reference 8), as bytes, and what
 * a client is told when it fails. It opens no connection and judges nothing. Not part of the library.
 *
 *     const bytes = SIGN.request.encode({ keyId: { id }, content: signedBytes });
 *     const { content } = SIGN.response.decode(answer);
 */
export { RemoteSignerError } from './errors.ts';
export { type KeyInfoMessage, KeyState, ServingStatus } from './messages.ts';
export {
  CREATE_KEY,
  DELETE_KEY,
  GET_KEY_INFO,
  HEALTH_CHECK,
  HEALTH_SERVICES,
  MAX_MESSAGE_BYTES,
  type Method,
  REQUEST_ID_METADATA,
  type RequestOf,
  type ResponseOf,
  SIGN,
} from './methods.ts';
