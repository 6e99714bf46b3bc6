// SPDX-License-Identifier: Apache-2.0
import {
  DownloadError,
  HttpFetcher,
  MemoryHighWaterMarks,
  MemoryMetadataCache,
  Updater,
} from '../../../src/client/index.ts';
import { HttpTrustServer, PublishError, Publisher, type TrustServer } from '../../../src/publisher/index.ts';
import { dockerTarget, type Gun, notaryV1, sha256Hex, TARGETS } from '../../../src/tuf/index.ts';
import { memoryKeyStore } from '../../support/memory-keys.ts';
import type { Cluster } from './cluster.ts';

/** What became of every targets file that was sent, by its SHA-256. */
export interface Record {
  readonly gun: Gun;
  readonly acknowledged: Set<string>;
  /** Answered with a refusal: no trace of it may be found. */
  readonly refused: Set<string>;
  /** No answer, or one that leaves it open: it is stored wholly, or not at all. */
  readonly unknown: Set<string>;
  /** Tag to digest, of publishes that were acknowledged. */
  readonly tags: Map<string, string>;
}

export function newRecord(gun: Gun): Record {
  return { gun, acknowledged: new Set(), refused: new Set(), unknown: new Set(), tags: new Map() };
}

const PASSPHRASE = 'passphrase of a chaos run';
const passphrases = { existing: async () => PASSPHRASE, created: async () => PASSPHRASE };

export type Keys = ReturnType<typeof memoryKeyStore>;
export const newKeys = (): Keys => memoryKeyStore();

export function reader(cluster: Cluster, gun: Gun) {
  const [cache, marks] = [new MemoryMetadataCache(), new MemoryHighWaterMarks()];
  const fetcher = new HttpFetcher({ server: cluster.url, fetch: cluster.fetch });
  const pinning = { trustOnFirstUse: true };
  return () => new Updater({ gun, dialect: notaryV1, fetcher, cache, marks, pinning, now: new Date() }).refresh();
}

/** A publisher with a client's memory of its own; those of one repository share its keys. */
export class ChaosPublisher {
  readonly #name: string;
  readonly #record: Record;
  readonly #publisher: Publisher;
  #count = 0;
  #failure: string | undefined;

  /** Why the last publish was none. */
  get failure(): string | undefined {
    return this.#failure;
  }

  get gun(): Gun {
    return this.#record.gun;
  }

  constructor(name: string, record: Record, keys: Keys, cluster: Cluster) {
    this.#name = name;
    this.#record = record;
    const refresh = reader(cluster, record.gun);
    const server = noting(new HttpTrustServer({ server: cluster.url, fetch: cluster.fetch }), record);
    const signing = { store: keys, passphrases };
    const clock = () => new Date();
    this.#publisher = new Publisher({ gun: record.gun, dialect: notaryV1, keys: signing, server, refresh, clock });
  }

  /** Signs a tag of its own, made for this call; whether the server said yes. */
  async publish(): Promise<boolean> {
    const tag = `${this.#name}-${++this.#count}`;
    const digest = sha256Hex(Buffer.from(`${this.#record.gun} ${tag}`));
    this.#failure = undefined;
    try {
      await this.#publisher.sign(tag, dockerTarget(Buffer.from(digest, 'hex'), 1000));
    } catch (error) {
      // the record says what became of what was sent; a server that is down is what this is about
      const isExpected = error instanceof DownloadError || (error instanceof PublishError && error.code === 'conflict');
      if (!isExpected) throw error;
      this.#failure = error.message;
      return false;
    }
    this.#record.tags.set(tag, digest);
    return true;
  }
}

/** The server, with a note of what it answered to each targets file. */
function noting(server: HttpTrustServer, record: Record): TrustServer {
  return {
    key: (gun, role) => server.key(gun, role),
    rotateKey: (gun, role) => server.rotateKey(gun, role),
    remove: (gun) => server.remove(gun),
    async publish(gun, files) {
      const sent = sha256Hex(files.get(TARGETS) ?? new Uint8Array());
      try {
        await server.publish(gun, files);
        record.acknowledged.add(sent);
      } catch (error) {
        (error instanceof PublishError ? record.refused : record.unknown).add(sent);
        throw error;
      }
    },
  };
}
