// SPDX-License-Identifier: Apache-2.0

import type { Fetcher } from '../../src/client/index.ts';
import {
  initializeRepository,
  PublishError,
  Publisher,
  type PublisherOptions,
  type TrustServer,
} from '../../src/publisher/index.ts';
import { type KeyStore, PrivateKey } from '../../src/signing/index.ts';
import {
  dockerTarget,
  type Gun,
  hash,
  kindOf,
  type MetaFile,
  nextSnapshot,
  nextTimestamp,
  notaryV1,
  type PublicKey,
  ROOT,
  type RoleName,
  SNAPSHOT,
  type Snapshot,
  type TargetFile,
  TIMESTAMP,
  type Timestamp,
} from '../../src/tuf/index.ts';
import { TestClient } from './client.ts';
import { memoryKeyStore } from './memory-keys.ts';
import { GUN, NOW } from './repository-simulator.ts';
import { signedFile } from './signed-files.ts';
import { makeKey } from './test-keys.ts';

export type Files = ReadonlyMap<RoleName, Uint8Array>;

/** A trust server that stores what it is sent, adds what it manages itself, and can be told to refuse. */
export class ServerDouble implements TrustServer, Fetcher {
  /** Every update that it was sent, taken or not. */
  readonly sent: Files[] = [];
  /** How many updates it answers with a conflict first; each time `onConflict` runs. */
  conflicts = 0;
  onConflict: () => Promise<unknown> = async () => {};
  readonly files = new Map<RoleName, Uint8Array>();
  readonly #served = new Map<string, Uint8Array>();
  readonly #keys = { snapshot: makeKey(), timestamp: makeKey('ed25519') };
  #snapshot: Snapshot | undefined;
  #timestamp: Timestamp | undefined;

  async key(_gun: Gun, role: 'snapshot' | 'timestamp'): Promise<PublicKey> {
    return this.#keys[role].listed;
  }

  async rotateKey(): Promise<PublicKey> {
    throw new Error('not asked for here');
  }

  async remove(): Promise<void> {
    this.files.clear();
    this.#served.clear();
  }

  async publish(_gun: Gun, files: Files): Promise<void> {
    this.sent.push(files);
    if (this.conflicts > 0) {
      this.conflicts--;
      await this.onConflict();
      throw new PublishError('conflict', 'a newer version was published meanwhile');
    }
    for (const [role, file] of files) this.put(role, file);
    const uploaded = files.get(SNAPSHOT);
    if (uploaded !== undefined) this.#snapshot = notaryV1.decode('snapshot', uploaded).signed;
    else this.#makeSnapshot(files);
    this.#timestamp = nextTimestamp(this.#timestamp, notaryV1.pin(this.files.get(SNAPSHOT) as Uint8Array), NOW);
    this.put(TIMESTAMP, signedFile(this.#timestamp, [this.#keys.timestamp]));
  }

  #makeSnapshot(files: Files): void {
    const pins = new Map<RoleName, MetaFile | null>([...files].map(([role, file]) => [role, notaryV1.pin(file)]));
    this.#snapshot = nextSnapshot(this.#snapshot, pins, NOW);
    this.put(SNAPSHOT, signedFile(this.#snapshot, [this.#keys.snapshot]));
  }

  put(role: RoleName, file: Uint8Array): void {
    this.files.set(role, file);
    this.#served.set(notaryV1.fileName(role), file).set(notaryV1.fileName(role, notaryV1.pin(file)), file);
    if (role === ROOT) this.#served.set(`${notaryV1.decode('root', file).signed.version}.root.json`, file);
  }

  async fetch(_gun: Gun, fileName: string): Promise<Uint8Array | undefined> {
    return this.#served.get(fileName);
  }

  /** The version of a role's file, as it was sent in the given update. */
  versions(update: number): Readonly<Record<string, number>> {
    return Object.fromEntries(
      [...(this.sent.at(update) ?? [])].map(([role, file]) => [
        role,
        notaryV1.decode(kindOf(role), file).signed.version as number,
      ]),
    );
  }
}

export const PASSPHRASES = { existing: async () => 'passphrase', created: async () => 'passphrase' };

/** A user who publishes: a key store of their own, and a client beside it. */
export class TestPublisher {
  readonly store: KeyStore = memoryKeyStore();
  readonly client: TestClient;
  readonly publisher: Publisher;

  constructor(server: TrustServer & Fetcher, options: Partial<PublisherOptions> & { clientSnapshot?: boolean } = {}) {
    this.client = new TestClient(server);
    const { clientSnapshot = false, ...rest } = options;
    const keys = { store: this.store, passphrases: PASSPHRASES };
    const common = { gun: GUN, dialect: notaryV1, keys, server };
    this.publisher = new Publisher({
      ...common,
      refresh: () => this.client.refresh(),
      clock: () => NOW,
      ...(clientSnapshot ? { initialize: () => initializeRepository({ ...common, now: NOW, clientSnapshot }) } : {}),
      ...rest,
    });
  }

  /** A new key in the store, and its public half. */
  async addKey(role: string): Promise<PublicKey> {
    const key = PrivateKey.generate();
    await this.store.add(key, { role, gun: undefined }, 'passphrase');
    return key.key;
  }
}

/** A Docker target of some content. */
export function targetOf(content: string): TargetFile {
  const bytes = new TextEncoder().encode(content);
  return dockerTarget(hash('sha256', bytes), bytes.length);
}
