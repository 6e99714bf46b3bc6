// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { copyFile, cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { embeddedRegistry, MemoryRegistryStorage } from '../registry/index.ts';
import { openToAll } from '../server/auth/index.ts';
import { createTrustServer, MemoryStorage } from '../server/index.ts';
import { ensureOwnTls, type Listener, listen, SILENT_LOG } from '../service/index.ts';
import { MemoryServiceKeys } from '../signing/service-keys/index.ts';
import { Attacker } from './attacker.ts';

const DAY = 86_400_000;

export type Environment = Readonly<Record<string, string>>;

/** A registry and a trust server on loopback, both in this process, with an attacker between them and their users. */
export interface Stage {
  readonly trustUrl: string;
  readonly registryHost: string;
  readonly attacker: Attacker;
  /** The stage's own time: the machine's, and what `pass` added to it. */
  now(): Date;
  /** Lets days go by, for everybody on the stage. */
  pass(days: number): void;
  /** The environment of a person's commands; a name that is new gets a home, passphrases and the server's authority. */
  home(name: string): Promise<Environment>;
  /** Copies a person's private keys, and learns the passphrases: whoever was at that machine while it was used. */
  stealKeys(from: string, to: string, wanted: (file: string) => boolean): Promise<void>;
  close(): Promise<void>;
}

/** Starts both servers on ports that are free; `directory` holds the homes. */
export async function openStage(directory: string, machineTime: () => Date): Promise<Stage> {
  let shift = 0;
  const now = () => new Date(machineTime().getTime() + shift);
  const keys = new MemoryServiceKeys();
  const storage = new MemoryStorage();
  const server = createTrustServer({ storage, keys, clock: now, log: SILENT_LOG, auth: openToAll });
  const registry = embeddedRegistry(new MemoryRegistryStorage());
  const images = (request: Request) => Promise.resolve(registry.fetch(request));
  const attacker = new Attacker({ server: server.fetch, images, keys, now });
  const { identity, caFile } = await ensureOwnTls(directory, ['localhost', '127.0.0.1'], now());
  const trust = listen({ fetch: attacker.trust, tls: identity, hostname: '127.0.0.1', port: 0 });
  const store = listen({ fetch: attacker.registry, tls: 'plain', hostname: '127.0.0.1', port: 0 });
  const trustUrl = `https://localhost:${trust.port}`;
  const homes = new Homes(directory, trustUrl, caFile);
  return {
    trustUrl,
    registryHost: `localhost:${store.port}`,
    attacker,
    now,
    pass: (days) => {
      shift += days * DAY;
    },
    home: (name) => homes.of(name),
    stealKeys: (from, to, wanted) => homes.stealKeys(from, to, wanted),
    close: async () => {
      await Promise.all(([trust, store] as readonly Listener[]).map((listener) => listener.stop()));
    },
  };
}

const PASSPHRASES = ['DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE', 'DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE'] as const;

class Homes {
  readonly #directory: string;
  readonly #trustUrl: string;
  readonly #caFile: string;
  readonly #homes = new Map<string, Record<string, string>>();

  constructor(directory: string, trustUrl: string, caFile: string) {
    this.#directory = directory;
    this.#trustUrl = trustUrl;
    this.#caFile = caFile;
  }

  async of(name: string): Promise<Record<string, string>> {
    const known = this.#homes.get(name);
    if (known !== undefined) return known;
    const config = this.#config(name);
    // Docker's place for the authority of a trust server
    const authorities = join(config, 'tls', new URL(this.#trustUrl).host);
    await mkdir(authorities, { recursive: true });
    await copyFile(this.#caFile, join(authorities, 'ca.crt'));
    const made = {
      HOME: join(this.#directory, name),
      DOCKER_CONFIG: config,
      DOCKER_CONTENT_TRUST_SERVER: this.#trustUrl,
      ...Object.fromEntries(PASSPHRASES.map((variable) => [variable, randomBytes(16).toString('hex')])),
    };
    this.#homes.set(name, made);
    return made;
  }

  async stealKeys(from: string, to: string, wanted: (file: string) => boolean): Promise<void> {
    const [victim, thief] = [await this.of(from), await this.of(to)];
    const filter = (source: string) => !source.endsWith('.key') || wanted(source);
    await cp(join(this.#config(from), 'trust', 'private'), join(this.#config(to), 'trust', 'private'), {
      recursive: true,
      filter,
    });
    for (const variable of PASSPHRASES) thief[variable] = victim[variable] ?? '';
  }

  #config(name: string): string {
    return join(this.#directory, name, '.docker');
  }
}
