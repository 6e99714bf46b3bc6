// SPDX-License-Identifier: Apache-2.0
import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import type { Endpoint } from './endpoint.ts';
import { EngineError } from './errors.ts';

export interface EngineRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
}

/** Milliseconds until a daemon begins to answer; a pull or push answers at once and goes on for long. */
const ANSWER_TIME = 60_000;

/** One exchange with the daemon. @throws EngineError `unreachable` or `timeout` */
export function exchange(endpoint: Endpoint, request: EngineRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { method, path, headers, signal } = request;
    const options: RequestOptions = {
      ...address(endpoint),
      method,
      path,
      headers: { host: endpoint.kind === 'unix' ? 'docker' : endpoint.hostname, ...headers },
      agent: false,
      ...(signal === undefined ? {} : { signal }),
    };
    const usesTls = endpoint.kind === 'tcp' && endpoint.tls !== undefined;
    const sent = (usesTls ? https : http).request(options);
    const timer = setTimeout(
      () => sent.destroy(new EngineError('timeout', `no answer from the Docker daemon at ${endpoint.text}`)),
      ANSWER_TIME,
    );
    if (request.body !== undefined) clearTimeout(timer); // the answer to a load comes after its end
    sent.on('response', (response) => {
      clearTimeout(timer);
      resolve(response);
    });
    sent.on('error', (error) => {
      clearTimeout(timer);
      reject(signal?.aborted === true ? error : failure(endpoint, error));
    });
    send(sent, request.body).catch((error: unknown) => {
      reject(error);
      sent.destroy();
    });
  });
}

async function send(sent: ReturnType<typeof http.request>, body: AsyncIterable<Uint8Array> | undefined): Promise<void> {
  if (body !== undefined) {
    for await (const chunk of body) {
      if (sent.destroyed) return;
      if (!sent.write(chunk)) await drained(sent);
    }
  }
  sent.end();
}

function drained(sent: ReturnType<typeof http.request>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      sent.off('drain', done);
      sent.off('close', done);
      resolve();
    };
    sent.on('drain', done);
    sent.on('close', done);
  });
}

function address(endpoint: Endpoint): RequestOptions & https.RequestOptions {
  if (endpoint.kind === 'unix') return { socketPath: endpoint.socketPath };
  const { hostname, port, tls } = endpoint;
  if (tls === undefined) return { host: hostname, port };
  const { verify, ...files } = tls;
  return { host: hostname, port, ...files, rejectUnauthorized: verify };
}

function failure(endpoint: Endpoint, error: Error): EngineError {
  if (error instanceof EngineError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM') {
    const message = `permission denied while trying to connect to the Docker daemon socket at ${endpoint.text}`;
    return new EngineError('unreachable', message, { cause: error });
  }
  const message = `Cannot connect to the Docker daemon at ${endpoint.text}. Is the docker daemon running?`;
  return new EngineError('unreachable', message, { cause: error });
}
