// SPDX-License-Identifier: Apache-2.0
import { bytesField, type Codec, embeddedField, messageCodec, numberField, textField } from './wire.ts';

/** The messages of package `proto` (reference 8), and those of grpc.health.v1. */

export interface KeyIdMessage {
  readonly id: string;
}

export interface AlgorithmMessage {
  readonly algorithm: string;
}

export interface KeyInfoMessage {
  readonly keyId: KeyIdMessage | undefined;
  readonly algorithm: AlgorithmMessage | undefined;
}

export interface CreateKeyRequest {
  readonly algorithm: string;
  readonly gun: string;
  readonly role: string;
}

export interface PublicKeyMessage {
  readonly keyInfo: KeyInfoMessage | undefined;
  readonly publicKey: Uint8Array;
}

export interface KeyInfoResponse extends PublicKeyMessage {
  readonly role: string;
  /** Ours: the repository that the key was made for. Notary's signer does not tell. */
  readonly gun: string;
  /** Ours: one of {@link KeyState}. */
  readonly state: number;
}

/** Whether a key has signed; Notary's signer does not tell. */
export const KeyState = { untold: 0, pending: 1, used: 2 } as const;

export interface SignatureRequest {
  readonly keyId: KeyIdMessage | undefined;
  /** The whole message: the signer hashes it. */
  readonly content: Uint8Array;
}

export interface SignatureMessage {
  readonly keyInfo: KeyInfoMessage | undefined;
  readonly algorithm: AlgorithmMessage | undefined;
  /** The signature, in the encoding of reference 2.7. */
  readonly content: Uint8Array;
}

export type Nothing = Record<never, never>;

export interface HealthCheckRequest {
  readonly service: string;
}

export interface HealthCheckResponse {
  /** One of {@link ServingStatus}. */
  readonly status: number;
}

export const ServingStatus = { unknown: 0, serving: 1, notServing: 2 } as const;

export const keyIdMessage: Codec<KeyIdMessage> = messageCodec({ id: textField(1) });
const algorithmMessage: Codec<AlgorithmMessage> = messageCodec({ algorithm: textField(1) });
const keyInfoMessage: Codec<KeyInfoMessage> = messageCodec({
  keyId: embeddedField(1, keyIdMessage),
  algorithm: embeddedField(2, algorithmMessage),
});
export const createKeyRequest: Codec<CreateKeyRequest> = messageCodec({
  algorithm: textField(1),
  gun: textField(2),
  role: textField(3),
});
export const publicKeyMessage: Codec<PublicKeyMessage> = messageCodec({
  keyInfo: embeddedField(1, keyInfoMessage),
  publicKey: bytesField(2),
});
/** Fields of our own have numbers that the original can never have come to. */
export const keyInfoResponse: Codec<KeyInfoResponse> = messageCodec({
  keyInfo: embeddedField(1, keyInfoMessage),
  publicKey: bytesField(2),
  role: textField(3),
  gun: textField(1001),
  state: numberField(1002),
});
export const signatureRequest: Codec<SignatureRequest> = messageCodec({
  keyId: embeddedField(1, keyIdMessage),
  content: bytesField(2),
});
export const signatureMessage: Codec<SignatureMessage> = messageCodec({
  keyInfo: embeddedField(1, keyInfoMessage),
  algorithm: embeddedField(2, algorithmMessage),
  content: bytesField(3),
});
export const nothing: Codec<Nothing> = messageCodec({});
export const healthCheckRequest: Codec<HealthCheckRequest> = messageCodec({ service: textField(1) });
export const healthCheckResponse: Codec<HealthCheckResponse> = messageCodec({ status: numberField(1) });
