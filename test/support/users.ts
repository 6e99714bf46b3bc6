// SPDX-License-Identifier: Apache-2.0
import { type Fetcher, type TrustedFiles, TufClient } from '../../src/client/index.ts';
import { encodeHex } from '../../src/encoding/index.ts';
import { type FoundTarget, findTarget, kindOf, ROOT, type RoleName, tufV1 } from '../../src/tuf/index.ts';
import { TestClient } from './client.ts';
import { RepositorySimulator } from './repository-simulator.ts';

/** Somebody who reads a repository, whatever its dialect: with the client that is made for it. */
export interface TestUser {
  /** One refresh, as a new process would make it. */
  refresh(): Promise<unknown>;
  /** Hex SHA-256 of the content that is signed for a target, after a refresh. */
  lookup(path: string): Promise<string | undefined>;
  /** Versions of the files that are kept as trusted, of these roles. */
  versions(...roles: readonly string[]): Readonly<Record<string, number>>;
  /** The file of a role that is kept as trusted. */
  file(role: string): Uint8Array | undefined;
  now: Date;
}

export class MemoryTrustedFiles implements TrustedFiles {
  readonly files = new Map<RoleName, Uint8Array>();

  load(role: RoleName): Uint8Array | undefined {
    return this.files.get(role);
  }

  store(role: RoleName, file: Uint8Array): void {
    this.files.set(role, file);
  }

  exclusively<T>(work: () => T): T {
    return work();
  }
}

/** A user of the specification's own workflow, who was given the first root. */
export class TufUser implements TestUser {
  readonly files = new MemoryTrustedFiles();
  now: Date;
  readonly #repository: RepositorySimulator;
  readonly #fetcher: Fetcher;

  constructor(repository: RepositorySimulator, fetcher: Fetcher = repository) {
    this.#repository = repository;
    this.#fetcher = fetcher;
    this.now = repository.now;
    const first = repository.served.get('1.root.json');
    if (first === undefined) throw new Error('the repository has no first root');
    this.files.store(ROOT, first);
  }

  /** A client of one process. */
  client(): TufClient {
    const { dialect, gun } = this.#repository;
    return new TufClient({ dialect, gun, fetcher: this.#fetcher, files: this.files, now: this.now });
  }

  refresh() {
    return this.client().refresh();
  }

  async lookup(path: string): Promise<string | undefined> {
    return hashOf(await this.client().find(path));
  }

  versions(...roles: readonly string[]): Readonly<Record<string, number>> {
    return versionsIn(this.#repository, this, roles);
  }

  file(role: string): Uint8Array | undefined {
    return this.files.load(role as RoleName);
  }
}

export class NotaryUser implements TestUser {
  readonly client: TestClient;
  readonly #repository: RepositorySimulator;

  constructor(repository: RepositorySimulator) {
    this.#repository = repository;
    this.client = new TestClient(repository);
  }

  get now(): Date {
    return this.client.now;
  }

  set now(now: Date) {
    this.client.now = now;
  }

  refresh() {
    return this.client.refresh();
  }

  async lookup(path: string): Promise<string | undefined> {
    const { targets } = await this.client.refresh();
    return hashOf(findTarget(targets.roles, path));
  }

  versions(...roles: readonly string[]): Readonly<Record<string, number>> {
    return versionsIn(this.#repository, this, roles);
  }

  file(role: string): Uint8Array | undefined {
    return this.client.cache.load(this.client.gun, role as RoleName);
  }
}

/** A new user of the repository. */
export function userOf(repository: RepositorySimulator): TestUser {
  return repository.dialect.name === 'tuf-v1' ? new TufUser(repository) : new NotaryUser(repository);
}

function hashOf(found: FoundTarget | undefined): string | undefined {
  const sha256 = found?.target.hashes.get('sha256');
  return sha256 && encodeHex(sha256);
}

function versionsIn(
  { dialect }: RepositorySimulator,
  user: Pick<TestUser, 'file'>,
  roles: readonly string[],
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    roles.flatMap((role) => {
      const file = user.file(role);
      return file === undefined
        ? []
        : [[role, dialect.decode(kindOf(role as RoleName), file).signed.version as number]];
    }),
  );
}

/** A repository of TUF 1.0 with one tag `v1`, content `one`, and a user who has seen it. */
export async function openTufUser() {
  const repository = (await RepositorySimulator.create({ dialect: tufV1 })).tag('v1', 'one').publish();
  const user = new TufUser(repository);
  await user.refresh();
  repository.takeRequests();
  return { repository, user };
}
