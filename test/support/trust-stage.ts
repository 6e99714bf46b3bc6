// SPDX-License-Identifier: Apache-2.0
import {
  CachedStorage,
  createTrustServer,
  MemoryStorage,
  type MetadataStorage,
  type TrustServer,
  type TrustServerOptions,
} from '../../src/server/index.ts';
import { SILENT_LOG } from '../../src/service/index.ts';
import { MemoryServiceKeys, type ServiceKeys } from '../../src/signing/service-keys/index.ts';
import { parseGun, SNAPSHOT, TIMESTAMP } from '../../src/tuf/index.ts';
import { type Files, RepositoryBuilder } from './repository-builder.ts';

const ORIGIN = 'https://trust.example.com';
const BOUNDARY = 'd41d8cd98f00b204e9800998ecf8427e';

/** An error body of the server, taken apart. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly detail: unknown;
}

/** A trust server in memory with a clock of its own, and what a test asks of it; no socket is opened. */
export class TrustStage {
  now = new Date('2026-11-23T12:00:00Z');
  readonly storage: MetadataStorage;
  readonly keys: ServiceKeys;
  readonly server: TrustServer;

  constructor(options: Partial<TrustServerOptions> = {}) {
    this.keys = options.keys ?? new MemoryServiceKeys();
    this.storage = options.storage ?? new CachedStorage(new MemoryStorage());
    const fixed = { storage: this.storage, keys: this.keys, log: SILENT_LOG };
    this.server = createTrustServer({ ...fixed, clock: () => this.now, ...options });
  }

  /** A publisher of `gun` whose timestamp, and snapshot unless told otherwise, this server signs. */
  async publisher(gun = 'example.com/app', snapshot: 'server' | 'client' = 'server'): Promise<RepositoryBuilder> {
    const name = parseGun(gun);
    const timestampKey = await this.keys.create(name, TIMESTAMP, 'ecdsa');
    const common = { gun, now: this.now, timestampKey };
    if (snapshot === 'client') return RepositoryBuilder.create(common);
    return RepositoryBuilder.create({ ...common, snapshotKey: await this.keys.create(name, SNAPSHOT, 'ecdsa') });
  }

  /** As {@link publisher}, with target `latest` published. */
  async published(gun?: string, snapshot?: 'server' | 'client'): Promise<RepositoryBuilder> {
    const publisher = await this.publisher(gun, snapshot);
    const response = await this.upload(publisher.gun, publisher.addTarget('latest').all());
    if (response.status !== 200) throw new Error(`first publish: ${await response.text()}`);
    return publisher;
  }

  async request(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    return this.server.fetch(new Request(ORIGIN + path, { method, ...init }));
  }

  async upload(gun: string, files: Files): Promise<Response> {
    return this.request('POST', `/v2/${gun}/_trust/tuf/`, multipart(files));
  }

  /** `undefined` when the upload was taken. */
  async refusal(gun: string, files: Files): Promise<Refusal | undefined> {
    return refusalOf(await this.upload(gun, files));
  }

  async get(gun: string, file: string): Promise<Response> {
    return this.request('GET', `/v2/${gun}/_trust/tuf/${file}`);
  }

  /** A file as it is served; `undefined` when there is none. */
  async bytes(gun: string, file: string): Promise<Uint8Array | undefined> {
    const response = await this.get(gun, file);
    return response.status === 200 ? new Uint8Array(await response.arrayBuffer()) : undefined;
  }

  /** What a file says; `undefined` when there is none. */
  // biome-ignore lint/suspicious/noExplicitAny: JSON, typed where it is used
  async read(gun: string, file: string): Promise<any> {
    const response = await this.get(gun, file);
    return response.status === 200 ? JSON.parse(await response.text()).signed : undefined;
  }

  /** Versions of the roles as a client meets them now. */
  async versions(gun: string, ...roles: readonly string[]): Promise<readonly (number | undefined)[]> {
    return Promise.all(roles.map(async (role) => (await this.read(gun, `${role}.json`))?.version));
  }
}

/** Body and header of an update as Notary's clients send it. */
export function multipart(files: Files | readonly (readonly [string, Uint8Array])[]) {
  const parts = [...files].flatMap(([name, bytes]) => [
    Buffer.from(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="${name}"\r\n` +
        'Content-Type: application/octet-stream\r\n\r\n',
    ),
    Buffer.from(bytes),
    Buffer.from('\r\n'),
  ]);
  const body = Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]);
  return { body, headers: { 'Content-Type': `multipart/form-data; boundary=${BOUNDARY}` } };
}

export async function refusalOf(response: Response): Promise<Refusal | undefined> {
  if (response.status === 200) return undefined;
  const text = await response.text();
  const [error] = JSON.parse(text).errors;
  return { status: response.status, code: error.code, detail: error.detail };
}

/** The refusal that Notary's clients show in words of their own. */
export function invalidUpdate(kind: string, message: unknown): Refusal {
  return { status: 400, code: 'INVALID_UPDATE', detail: { Name: kind, Error: { Msg: message } } };
}
