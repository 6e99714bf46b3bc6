// SPDX-License-Identifier: Apache-2.0
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TrustServer } from './notary-server.ts';
import { type Outcome, run, succeed } from './processes.ts';
import { cleanEnvironment, hallmarkProgram, notaryProgram, program } from './programs.ts';
import { Session } from './pty.ts';
import type { Stage } from './stage.ts';

export const ROOT_PASSPHRASE = 'root passphrase of a test';
export const REPOSITORY_PASSPHRASE = 'repository passphrase of a test';

/** The variables from which Docker, and Hallmark, take passphrases without asking. */
export const PASSPHRASES = {
  DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE: ROOT_PASSPHRASE,
  DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE: REPOSITORY_PASSPHRASE,
} as const;

/** The variables from which notary takes passphrases, and Hallmark beside Docker's. */
export const NOTARY_PASSPHRASES = {
  NOTARY_ROOT_PASSPHRASE: ROOT_PASSPHRASE,
  NOTARY_TARGETS_PASSPHRASE: REPOSITORY_PASSPHRASE,
  NOTARY_SNAPSHOT_PASSPHRASE: 'snapshot passphrase of a test',
  NOTARY_DELEGATION_PASSPHRASE: 'delegation passphrase of a test',
} as const;

type Variables = Readonly<Record<string, string>>;

/** Names, modes and contents of all files below a directory, to see whether anything changed. */
export function snapshotOfFiles(directory: string): Readonly<Record<string, string>> {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) =>
    statSync(join(directory, file)).isFile(),
  );
  const describe = (file: string) => {
    const path = join(directory, file);
    return `${(statSync(path).mode & 0o777).toString(8)} ${readFileSync(path, 'utf8')}`;
  };
  return Object.fromEntries(files.sort().map((file) => [file, describe(file)]));
}

/** One person with a home, keys and a cache of trust data of their own. */
export class User {
  readonly home: string;
  /** $DOCKER_CONFIG */
  readonly config: string;
  /** Docker's trust directory, which is Hallmark's too. */
  readonly trustDirectory: string;
  readonly #server: TrustServer;
  readonly #dockerHost: string | undefined;

  /** Without `dockerHost` there is no engine to reach. */
  constructor(stage: Stage, name: string, server: TrustServer, dockerHost?: string) {
    this.home = stage.makeDirectory(`home-${name}`);
    this.config = join(this.home, '.docker');
    this.trustDirectory = join(this.config, 'trust');
    this.#server = server;
    this.#dockerHost = dockerHost;
    const certificates = join(this.config, 'tls', server.host);
    mkdirSync(certificates, { recursive: true });
    copyFileSync(server.ca, join(certificates, 'ca.crt'));
  }

  /** docker with content trust on; passphrases come from the environment. */
  docker(...args: string[]): Promise<Outcome> {
    return run([program('docker'), ...args], this.#options({ ...PASSPHRASES, DOCKER_CONTENT_TRUST: '1' }));
  }

  /** docker without content trust, for steps that prepare a test: must succeed. */
  untrusted(...args: string[]): Promise<Outcome> {
    return succeed([program('docker'), ...args], this.#options({}));
  }

  /** docker with content trust on a terminal, no passphrase in the environment. */
  dockerOnTerminal(...args: string[]): Session {
    return new Session([program('docker'), ...args], this.#options({ DOCKER_CONTENT_TRUST: '1' }));
  }

  hallmark(...args: string[]): Promise<Outcome> {
    return this.hallmarkWith(PASSPHRASES, ...args);
  }

  hallmarkWith(variables: Variables, ...args: string[]): Promise<Outcome> {
    return run([...hallmarkProgram(), ...args], this.#options(variables));
  }

  /** Hallmark on a terminal, no passphrase in the environment. */
  hallmarkOnTerminal(...args: string[]): Session {
    return new Session([...hallmarkProgram(), ...args], this.#options({}));
  }

  notary(...args: string[]): Promise<Outcome> {
    return this.notaryWithInput('', ...args);
  }

  notaryWithInput(stdin: string, ...args: string[]): Promise<Outcome> {
    return run([...this.#notary(), ...args], { ...this.#options(NOTARY_PASSPHRASES), stdin });
  }

  /** notary with a login, `user:password`, in the environment. */
  notaryAs(login: string, ...args: string[]): Promise<Outcome> {
    const variables = { ...NOTARY_PASSPHRASES, NOTARY_AUTH: Buffer.from(login).toString('base64') };
    return run([...this.#notary(), ...args], { ...this.#options(variables), stdin: '' });
  }

  /** Logs in to a registry, as `docker login` leaves it in its configuration. */
  logIn(registry: string, login: string): void {
    const auths = { [registry]: { auth: Buffer.from(login).toString('base64') } };
    writeFileSync(join(this.config, 'config.json'), JSON.stringify({ auths }), { mode: 0o600 });
  }

  /** notary on a terminal, no passphrase in the environment. */
  notaryOnTerminal(...args: string[]): Session {
    return new Session([...this.#notary(), ...args], this.#options({}));
  }

  /** notary over Docker's trust directory, as a check on what Docker or Hallmark wrote there. */
  notaryOnDockerTrust(...args: string[]): Promise<Outcome> {
    return run(
      [program('notary'), '-s', this.#server.url, '--tlscacert', this.#server.ca, '-d', this.trustDirectory, ...args],
      this.#options(NOTARY_PASSPHRASES),
    );
  }

  /** Hallmark called as notary, over the same home, trust directory and passphrases as {@link notary}. */
  notaryFace(...args: string[]): Promise<Outcome> {
    return this.notaryFaceWithInput('', ...args);
  }

  notaryFaceWithInput(stdin: string, ...args: string[]): Promise<Outcome> {
    return run([...this.#notaryFace(), ...args], { ...this.#options(NOTARY_PASSPHRASES), stdin });
  }

  notaryFaceAs(login: string, ...args: string[]): Promise<Outcome> {
    const variables = { ...NOTARY_PASSPHRASES, NOTARY_AUTH: Buffer.from(login).toString('base64') };
    return run([...this.#notaryFace(), ...args], { ...this.#options(variables), stdin: '' });
  }

  /** Hallmark called as notary on a terminal, no passphrase in the environment. */
  notaryFaceOnTerminal(...args: string[]): Session {
    return new Session([...this.#notaryFace(), ...args], this.#options({}));
  }

  #notaryFace(): string[] {
    return [...hallmarkProgram(), 'notary', '-s', this.#server.url, '--tlscacert', this.#server.ca];
  }

  #notary(): string[] {
    return [...notaryProgram(), '-s', this.#server.url, '--tlscacert', this.#server.ca];
  }

  #options(variables: Variables): { env: Record<string, string>; cwd: string } {
    const places = { HOME: this.home, DOCKER_CONFIG: this.config, DOCKER_CONTENT_TRUST_SERVER: this.#server.url };
    const engine = { DOCKER_HOST: this.#dockerHost ?? `unix://${this.home}/no-engine.sock` };
    return { env: cleanEnvironment({ ...places, ...engine, ...variables }), cwd: this.home };
  }
}
