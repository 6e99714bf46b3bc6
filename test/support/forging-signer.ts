// SPDX-License-Identifier: Apache-2.0
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { SERVICE_TLS, TLS } from './signing-stage.ts';

/** What is answered to a call, by its path: bytes, or a status. */
export type ForgedAnswers = Readonly<Record<string, Uint8Array | keyof typeof status>>;

/** A signing service with a genuine certificate that answers what it likes, and counts what it was asked. */
export class ForgingSigner {
  readonly asked: string[] = [];
  answers: ForgedAnswers = {};
  readonly #server = new Server();

  async start(): Promise<number> {
    for (const path of PATHS) this.#server.addService(definitionOf(path), { call: this.#handle(path) });
    const pair = { cert_chain: Buffer.from(SERVICE_TLS.cert), private_key: Buffer.from(SERVICE_TLS.key) };
    const credentials = ServerCredentials.createSsl(Buffer.from(TLS.ca.cert), [pair], true);
    return new Promise((resolve, reject) => {
      this.#server.bindAsync('127.0.0.1:0', credentials, (error, port) => (error ? reject(error) : resolve(port)));
    });
  }

  close(): void {
    this.#server.forceShutdown();
  }

  #handle(path: string) {
    return (_call: unknown, callback: (error: object | null, bytes?: Uint8Array) => void) => {
      this.asked.push(path);
      const answer = this.answers[path] ?? new Uint8Array();
      if (answer instanceof Uint8Array) callback(null, answer);
      else callback({ code: status[answer], details: 'as it likes' });
    };
  }
}

const PATHS = [
  ...['CreateKey', 'DeleteKey', 'GetKeyInfo'].map((name) => `/proto.KeyManagement/${name}`),
  '/proto.Signer/Sign',
  '/grpc.health.v1.Health/Check',
];

function definitionOf(path: string) {
  const same = (bytes: Buffer) => bytes;
  return {
    call: {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: (bytes: Uint8Array) => Buffer.from(bytes),
      responseDeserialize: same,
    },
  };
}
