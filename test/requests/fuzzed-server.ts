// SPDX-License-Identifier: Apache-2.0
import { MemoryStorage, type TrustServerOptions } from '../../src/server/index.ts';
import type { Gun, Version } from '../../src/tuf/index.ts';
import type { RepositoryBuilder } from '../support/repository-builder.ts';
import { multipart, TrustStage } from '../support/trust-stage.ts';
import { bytesOf, type GeneratedBody, GUN } from './request.ts';

/** Storage that counts what it is told to change. */
class CountingStorage extends MemoryStorage {
  changesMade = 0;

  override async commit(...args: Parameters<MemoryStorage['commit']>): Promise<void> {
    await super.commit(...args);
    this.changesMade++;
  }

  override async delete(...args: Parameters<MemoryStorage['delete']>): Promise<void> {
    await super.delete(...args);
    this.changesMade++;
  }
}

/** A trust server with one published collection, and updates of it that are right at any moment. */
export class FuzzedServer {
  readonly storage = new CountingStorage();
  readonly stage: TrustStage;
  readonly #publisher: RepositoryBuilder;
  #updates: Readonly<Record<'next' | 'old' | 'empty', Uint8Array>>;

  private constructor(stage: TrustStage, storage: CountingStorage, publisher: RepositoryBuilder) {
    this.stage = stage;
    this.storage = storage;
    this.#publisher = publisher;
    const empty = multipart([]).body;
    this.#updates = { next: empty, old: multipart(publisher.all()).body, empty };
  }

  /** `guard` applies once the collection is published. */
  static async open(guard: Partial<TrustServerOptions> = {}): Promise<FuzzedServer> {
    const storage = new CountingStorage();
    const open = new TrustStage({ storage });
    const publisher = await open.publisher(GUN);
    publisher.delegate('targets/releases');
    await open.upload(GUN, publisher.addTarget('latest').all());
    const stage = new TrustStage({ storage, keys: open.keys, ...guard });
    const server = new FuzzedServer(stage, storage, publisher);
    await server.renew();
    return server;
  }

  bytesOf(body: GeneratedBody): Uint8Array | undefined {
    return bytesOf(body, this.#updates);
  }

  /** Makes the next update follow what is stored now; what was deleted is published anew. */
  async renew(): Promise<void> {
    const publisher = this.#publisher;
    const versionOf = async (role: string) => (await this.storage.latest(GUN as Gun, role as never))?.version ?? 0;
    if ((await versionOf('root')) === 0) {
      const response = await this.stage.upload(GUN, publisher.all());
      if (response.status !== 200) throw new Error(`publishing anew: ${await response.text()}`);
    }
    publisher.targets = { ...publisher.targets, version: ((await versionOf('targets')) + 1) as Version };
    const files = new Map([['targets', publisher.file('targets')]]);
    this.#updates = { ...this.#updates, next: multipart(files).body };
  }
}
