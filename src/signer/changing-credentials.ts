// SPDX-License-Identifier: Apache-2.0
import { ServerCredentials } from '@grpc/grpc-js';

/** PEM text. All three are needed: the service starts with certificates on both sides, or not at all (S4, S8). */
export interface SigningServiceTls {
  readonly cert: string;
  readonly key: string;
  /** The authorities whose certificates let a client in. */
  readonly clientCa: string;
}

/** Credentials of a server on which clients need a certificate, always; which certificates, may change while it runs. */
export class ChangingCredentials extends ServerCredentials {
  constructor(tls: SigningServiceTls) {
    super({ requestCert: true, rejectUnauthorized: true }, contextOf(tls));
  }

  /** For connections made from now on. */
  use(tls: SigningServiceTls): void {
    this.updateSecureContextOptions(contextOf(tls));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOf({ cert, key, clientCa }: SigningServiceTls) {
  return { ca: Buffer.from(clientCa), cert: [Buffer.from(cert)], key: [Buffer.from(key)] };
}
