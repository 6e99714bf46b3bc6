// SPDX-License-Identifier: Apache-2.0
import {
  HttpFetcher,
  MemoryHighWaterMarks,
  MemoryMetadataCache,
  type TrustedRepository,
  Updater,
} from '../../src/client/index.ts';
import { HttpTrustServer, Publisher } from '../../src/publisher/index.ts';
import {
  dockerTarget,
  type Gun,
  notaryV1,
  parseGun,
  type RoleName,
  sha256Hex,
  TARGETS,
  type TargetFile,
} from '../../src/tuf/index.ts';
import { memoryKeyStore } from '../../test/support/memory-keys.ts';
import { RepositoryBuilder } from '../../test/support/repository-builder.ts';
import type { RunningServer } from './servers.ts';

/** Signing costs the same whatever the passphrase. */
const PASSPHRASE = 'passphrase of a benchmark';
const passphrases = { existing: async () => PASSPHRASE, created: async () => PASSPHRASE };

export function benchGun(name: string): Gun {
  return parseGun(`bench.example.com/${name}`);
}

/** A publisher of the library and the client that it looks through, both in this process. */
export interface Person {
  readonly publisher: Publisher;
  refresh(): Promise<TrustedRepository>;
}

export function personOf(server: RunningServer, gun: Gun): Person {
  const [cache, marks] = [new MemoryMetadataCache(), new MemoryHighWaterMarks()];
  const connection = { server: server.url, fetch: server.fetch };
  const fetcher = new HttpFetcher(connection);
  const pinning = { trustOnFirstUse: true };
  const refresh = () =>
    new Updater({ gun, dialect: notaryV1, fetcher, cache, marks, pinning, now: new Date() }).refresh();
  const keys = { store: memoryKeyStore(), passphrases };
  const clock = () => new Date();
  const trustServer = new HttpTrustServer(connection);
  return { publisher: new Publisher({ gun, dialect: notaryV1, keys, server: trustServer, refresh, clock }), refresh };
}

/** A target as Docker signs it, different for each `content`. */
export function targetOf(content: string): TargetFile {
  return dockerTarget(Buffer.from(sha256Hex(Buffer.from(content)), 'hex'), 1000 + content.length);
}

/** Publishes a repository of the tags v0, v1… in one update. */
export function publishTags(server: RunningServer, gun: Gun, count: number): Promise<Person> {
  const tags = new Map(Array.from({ length: count }, (_, index) => [`v${index}`, targetOf(`${gun} ${index}`)]));
  return publishTargets(server, gun, tags);
}

/** Publishes a repository of these tags in one update. */
export async function publishTargets(
  server: RunningServer,
  gun: Gun,
  tags: ReadonlyMap<string, TargetFile>,
): Promise<Person> {
  const person = personOf(server, gun);
  await person.publisher.publish((draft, now) =>
    draft.edit(TARGETS, now, (targets) => ({ ...targets, targets: tags })),
  );
  return person;
}

export type Upload = ReadonlyMap<RoleName, Uint8Array>;

/** A repository whose first update is published, and whose next ones can be signed before they are sent. */
export class PreparedRepository {
  readonly #gun: Gun;
  readonly #builder: RepositoryBuilder;
  readonly #server: HttpTrustServer;
  #tag = 0;

  private constructor(gun: Gun, builder: RepositoryBuilder, server: HttpTrustServer) {
    this.#gun = gun;
    this.#builder = builder;
    this.#server = server;
  }

  /** Publishes root and targets; snapshot and timestamp are the server's. */
  static async publish(server: RunningServer, gun: Gun): Promise<PreparedRepository> {
    const trustServer = new HttpTrustServer({ server: server.url, fetch: server.fetch });
    const [timestampKey, snapshotKey] = [
      await trustServer.key(gun, 'timestamp'),
      await trustServer.key(gun, 'snapshot'),
    ];
    const builder = await RepositoryBuilder.create({ gun, now: new Date(), timestampKey, snapshotKey });
    const repository = new PreparedRepository(gun, builder.addTarget('latest', gun), trustServer);
    await repository.send(asUpload(builder.all()));
    return repository;
  }

  /** Signs the next updates of targets, each one version on, to be sent in this order. */
  sign(count: number): readonly Upload[] {
    return Array.from({ length: count }, () => {
      this.#builder.bump(TARGETS).addTarget('latest', `content ${++this.#tag}`);
      return asUpload(this.#builder.update(TARGETS));
    });
  }

  send(upload: Upload): Promise<void> {
    return this.#server.publish(this.#gun, upload);
  }
}

function asUpload(files: ReadonlyMap<string, Uint8Array>): Upload {
  return files as Upload;
}
