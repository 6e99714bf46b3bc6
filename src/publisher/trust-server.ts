// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, absent, DownloadError, exchange, type HttpFetch, metadataUrl } from '../client/index.ts';
import {
  DecodeError,
  decodeJsonObject,
  encodeHex,
  encodeUtf8,
  type JsonObject,
  type JsonValue,
} from '../encoding/index.ts';
import { decodeKeyObject, type Gun, MetadataError, type PublicKey, type RoleName, verifyingKey } from '../tuf/index.ts';
import { PublishError } from './errors.ts';

export type ServerManagedRole = 'snapshot' | 'timestamp';

/** What a publisher asks of a trust server. */
export interface TrustServer {
  /** Stores all files or none. @throws PublishError `conflict`, `rejected`; DownloadError */
  publish(gun: Gun, files: ReadonlyMap<RoleName, Uint8Array>): Promise<void>;
  /** The public key with which the server signs, or will sign, a role of this collection. @throws DownloadError */
  key(gun: Gun, role: ServerManagedRole): Promise<PublicKey>;
  /** Makes the server's next key of a role; it takes effect with the root that names it. @throws DownloadError */
  rotateKey(gun: Gun, role: ServerManagedRole): Promise<PublicKey>;
  /** Removes everything that the server has of a collection, and is no error where it has nothing. @throws DownloadError */
  remove(gun: Gun): Promise<void>;
}

const LIMITS = { timeoutMilliseconds: 60_000, maxLength: 256 * 1024 };
/** For how long a server that asks for patience is given it, in all; a publish that waits holds the lock of its repository. */
const MAX_WAIT_SECONDS = 30;

export interface HttpTrustServerOptions {
  readonly server: string;
  readonly fetch?: HttpFetch;
  readonly wait?: (milliseconds: number) => Promise<unknown>;
}

/** Speaks Notary's HTTP API (reference 6). A server that says when it may be asked again (429) is asked again then. */
export class HttpTrustServer implements TrustServer {
  readonly #server: string;
  readonly #fetch: HttpFetch;
  readonly #wait: (milliseconds: number) => Promise<unknown>;

  constructor(options: HttpTrustServerOptions) {
    this.#server = options.server;
    this.#fetch = options.fetch ?? fetch;
    this.#wait = options.wait ?? sleep;
  }

  async publish(gun: Gun, files: ReadonlyMap<RoleName, Uint8Array>): Promise<void> {
    const url = metadataUrl(this.#server, gun);
    const { contentType, body } = multipart(files);
    const answer = await this.#ask(url, { method: 'POST', headers: { 'content-type': contentType }, body });
    if (answer.status === 400) throw refusalOf(answer.body);
    if (answer.status !== 200) throw absent(answer, url) ?? noTrustServer(url, gun);
  }

  key(gun: Gun, role: ServerManagedRole): Promise<PublicKey> {
    return this.#key('GET', gun, role);
  }

  rotateKey(gun: Gun, role: ServerManagedRole): Promise<PublicKey> {
    return this.#key('POST', gun, role);
  }

  async remove(gun: Gun): Promise<void> {
    const url = metadataUrl(this.#server, gun);
    const answer = await this.#ask(url, { method: 'DELETE' });
    if (answer.status !== 200) throw absent(answer, url) ?? noTrustServer(url, gun);
  }

  async #key(method: 'GET' | 'POST', gun: Gun, role: ServerManagedRole): Promise<PublicKey> {
    const url = metadataUrl(this.#server, gun, `${role}.key`);
    const answer = await this.#ask(url, { method });
    if (answer.status === 200) return readKey(answer.body, url);
    const message = `${new URL(url).host} manages no ${role} key for ${gun}`;
    throw absent(answer, url) ?? new DownloadError('not-found', url, message, { status: answer.status });
  }

  /** A request refused by 429 was not begun, so that it can be sent again, whatever it does. */
  async #ask(url: string, init: RequestInit): Promise<Answer> {
    for (let waited = 0; ; ) {
      const answer = await exchange(this.#fetch, url, init, LIMITS);
      if (answer.retryAfter === undefined || waited + answer.retryAfter > MAX_WAIT_SECONDS) return answer;
      // "0" is a moment too, and a server that says so for ever must not be asked for ever
      const seconds = Math.max(1, answer.retryAfter);
      waited += seconds;
      await this.#wait(seconds * 1000);
    }
  }
}

function noTrustServer(url: string, gun: Gun): DownloadError {
  return new DownloadError('not-found', url, `${new URL(url).host} is no trust server: it has no place for ${gun}`, {
    status: 404,
  });
}

function readKey(answer: Uint8Array, url: string): PublicKey {
  try {
    const key = decodeKeyObject(decodeJsonObject(answer));
    verifyingKey(key);
    return key;
  } catch (cause) {
    if (!(cause instanceof DecodeError) && !(cause instanceof MetadataError)) throw cause;
    throw new DownloadError('rejected', url, `${new URL(url).host} sent no usable public key`, { cause });
  }
}

/** Role names keep their slashes in `filename`, as Notary's clients send them (reference 5.4). */
function multipart(files: ReadonlyMap<RoleName, Uint8Array>): { contentType: string; body: Uint8Array<ArrayBuffer> } {
  const boundary = encodeHex(new Uint8Array(randomBytes(30)));
  const parts = [...files].flatMap(([role, file]) => [
    encodeUtf8(
      `--${boundary}\r\nContent-Disposition: form-data; name="files"; filename="${role}"\r\nContent-Type: application/octet-stream\r\n\r\n`,
    ),
    file,
    encodeUtf8('\r\n'),
  ]);
  const body = new Uint8Array(Buffer.concat([...parts, encodeUtf8(`--${boundary}--\r\n`)]));
  return { contentType: `multipart/form-data; boundary=${boundary}`, body };
}

/** The server's reason, as far as it gave one (reference 6.3). */
function refusalOf(answer: Uint8Array): PublishError {
  const first = firstError(answer);
  if (first?.get('code') === 'VERSION')
    return new PublishError('conflict', 'a newer version of the trust metadata was published meanwhile');
  const reason = reasonOf(first);
  return new PublishError(
    'rejected',
    `trust server rejected the update${reason === undefined ? '' : `: ${reason.message}`}`,
    reason === undefined ? {} : { reason },
  );
}

function firstError(answer: Uint8Array): JsonObject | undefined {
  try {
    const errors = decodeJsonObject(answer).get('errors');
    const first: JsonValue | undefined = Array.isArray(errors) ? errors[0] : undefined;
    return first instanceof Map ? first : undefined;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function reasonOf(error: JsonObject | undefined): PublishError['reason'] {
  const detail = error?.get('detail');
  const inner = detail instanceof Map ? detail.get('Error') : undefined;
  const message = (inner instanceof Map ? inner.get('Msg') : undefined) ?? error?.get('message');
  const name = detail instanceof Map ? detail.get('Name') : undefined;
  if (typeof message !== 'string') return undefined;
  return { name: typeof name === 'string' ? plain(name) : '', message: plain(message) };
}

/** The server's words reach a terminal: what steers one, or turns the direction of text, must not. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 500);
}
