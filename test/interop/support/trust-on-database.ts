// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openToAll } from '../../../src/server/auth/index.ts';
import { CachedStorage, createTrustServer, openMetadataStorage } from '../../../src/server/index.ts';
import type { DatabaseAddress } from '../../../src/service/database/index.ts';
import { listen, SILENT_LOG } from '../../../src/service/index.ts';
import { openServiceKeys } from '../../../src/signing/service-keys/index.ts';
import type { ServerEngine } from '../../support/databases.ts';
import { freePort } from '../../support/free-port.ts';
import { makeCertificates } from './certificates.ts';
import { notaryServerConfig, notarySignerConfig, notaryStorageOf } from './notary-configs.ts';
import type { TrustServer } from './notary-server.ts';
import { cleanEnvironment, program } from './programs.ts';
import { Stage } from './stage.ts';

export type Address = DatabaseAddress & { readonly engine: ServerEngine };

/** Passphrases of the signer's keys, by alias; the first is that of new keys. */
export type Passphrases = Readonly<Record<string, string>>;

/** Two databases, and at one address either Hallmark or the original pair that serves what is in them. */
export class TrustOnDatabase {
  readonly stage = new Stage();
  readonly server: TrustServer;
  readonly metadata: Address;
  readonly #signer: Address;
  readonly #passphrases: Passphrases;
  readonly #port: number;
  readonly #directory: string;
  #stop: () => Promise<void> = async () => {};

  private constructor(metadata: Address, signer: Address, passphrases: Passphrases, port: number) {
    this.metadata = metadata;
    this.#signer = signer;
    this.#passphrases = passphrases;
    this.#port = port;
    this.#directory = this.stage.makeDirectory('services');
    const host = `localhost:${port}`;
    this.server = { url: `https://${host}`, host, ca: join(this.#directory, 'ca.crt') };
  }

  static async open(metadata: Address, signer: Address, passphrases: Passphrases): Promise<TrustOnDatabase> {
    const opened = new TrustOnDatabase(metadata, signer, passphrases, await freePort());
    await makeCertificates(opened.#directory, ['signer', 'server']);
    return opened;
  }

  /** From now on this program serves; the other one has stopped. */
  async serveBy(kind: 'hallmark' | 'notary'): Promise<void> {
    await this.#stop();
    this.#stop = async () => {};
    this.#stop = kind === 'hallmark' ? await this.#startHallmark() : await this.#startNotary();
  }

  async close(): Promise<void> {
    await this.#stop();
    await this.stage.close();
  }

  async #startHallmark(): Promise<() => Promise<void>> {
    const clock = () => new Date();
    const metadata = await openMetadataStorage(this.metadata);
    const [defaultAlias = ''] = Object.keys(this.#passphrases);
    const passphrase = (alias: string) => this.#passphrases[alias];
    const signer = await openServiceKeys(this.#signer, { defaultAlias, passphrase, now: clock });
    await signer.keys.check();
    const storage = new CachedStorage(metadata.storage);
    const { fetch } = createTrustServer({ storage, keys: signer.keys, clock, log: SILENT_LOG, auth: openToAll });
    const tls = { cert: this.#read('server.crt'), key: this.#read('server.key') };
    const listener = listen({ fetch, tls, hostname: '127.0.0.1', port: this.#port });
    return async () => {
      await listener.stop();
      await metadata.close();
      await signer.close();
    };
  }

  #read(name: string): string {
    return readFileSync(join(this.#directory, name), 'utf8');
  }

  async #startNotary(): Promise<() => Promise<void>> {
    const signerPort = await freePort();
    const cwd = this.#directory;
    const passphrases = Object.entries(this.#passphrases);
    const env = Object.fromEntries(passphrases.map(([alias, text]) => [`NOTARY_SIGNER_${alias.toUpperCase()}`, text]));
    const options = { cwd, env: cleanEnvironment({ HOME: cwd, ...env }) };
    const keys = { ...notaryStorageOf(this.#signer), default_alias: passphrases[0]?.[0] ?? '' };
    this.#write('signer.json', notarySignerConfig(signerPort, keys));
    const signer = this.stage.start('notary-signer', [program('notary-signer'), '-config', 'signer.json'], options);
    await signer.listening({ port: signerPort });
    this.#write('server.json', notaryServerConfig(this.#port, signerPort, notaryStorageOf(this.metadata)));
    const server = this.stage.start('notary-server', [program('notary-server'), '-config', 'server.json'], options);
    await server.listening({ port: this.#port });
    return async () => {
      await server.stop();
      await signer.stop();
    };
  }

  #write(name: string, value: unknown): void {
    writeFileSync(join(this.#directory, name), JSON.stringify(value));
  }
}
