// SPDX-License-Identifier: Apache-2.0
import { ServerCredentials } from '@grpc/grpc-js';
import type { SigningServiceTls } from './signing-service.ts';

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
