// SPDX-License-Identifier: Apache-2.0
import { Client, credentials, status } from '@grpc/grpc-js';
import type { Method } from '../../src/signing/protocol/index.ts';
import { CLIENT_TLS } from './signing-stage.ts';

/** What a call came to: its answer, or code and text of its status. */
export type Outcome<Response> = Response | { readonly code: string; readonly details: string };

/** A client that sends whatever it is told to, and shows what comes back. */
export class RawSignerClient {
  readonly #client: Client;

  constructor(port: number, tls: { readonly ca: string; readonly cert?: string; readonly key?: string } = CLIENT_TLS) {
    const pem = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
    this.#client = new Client(
      `localhost:${port}`,
      credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert)),
      // a message that is too large for the service must be able to leave
      { 'grpc.max_send_message_length': -1, 'grpc.use_local_subchannel_pool': 1 },
    );
  }

  call<Request, Response>({ path, request, response }: Method<Request, Response>, message: Request) {
    return this.send(path, request.encode(message), (bytes) => response.decode(bytes));
  }

  send<Response>(path: string, bytes: Uint8Array, decode: (bytes: Uint8Array) => Response): Promise<Outcome<Response>> {
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        path,
        (message: Uint8Array) => Buffer.from(message),
        (answer: Buffer) => decode(answer),
        bytes,
        { deadline: Date.now() + 10_000 },
        (error, answer) => {
          if (error !== null) resolve({ code: status[error.code], details: error.details });
          else resolve(answer as Response);
        },
      );
    });
  }

  close(): void {
    this.#client.close();
  }
}
