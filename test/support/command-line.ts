// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type Io, runProgram } from '../../src/cli/index.ts';
import { embeddedRegistry, MemoryRegistryStorage } from '../../src/registry/index.ts';
import { listen } from '../../src/service/index.ts';
import { openTrustServer } from './open-trust-server.ts';

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

type Fetch = (request: Request) => Promise<Response>;

/**
 * A trust server and a registry in this process, and command lines run against them as a user would: each user has a
 * home of their own. `betweenTrust` and `betweenRegistry` may change what passes.
 */
export interface CommandLineWorld {
  readonly registryHost: string;
  readonly trustServer: string;
  betweenTrust: (request: Request, next: Fetch) => Promise<Response>;
  betweenRegistry: (request: Request, next: Fetch) => Promise<Response>;
  readonly directory: string;
  trustDirectory(user: string): string;
  run(user: string, argv: readonly string[], env?: Readonly<Record<string, string | undefined>>): Promise<Ran>;
  close(): Promise<void>;
}

const pass = (request: Request, next: Fetch) => next(request);

export async function openWorld(clock: () => Date = () => new Date()): Promise<CommandLineWorld> {
  const directory = mkdtempSync(join(tmpdir(), 'hallmark-cli-'));
  const server = await openTrustServer('memory', clock);
  const registry = embeddedRegistry(new MemoryRegistryStorage());
  const fetchImage: Fetch = (request) => Promise.resolve(registry.fetch(request));
  const trust = listen({
    fetch: (request) => world.betweenTrust(request, server.fetch),
    tls: 'plain',
    hostname: '127.0.0.1',
    port: 0,
  });
  const images = listen({
    fetch: (request) => world.betweenRegistry(request, fetchImage),
    tls: 'plain',
    hostname: '127.0.0.1',
    port: 0,
  });
  const world: CommandLineWorld = {
    registryHost: `localhost:${images.port}`,
    trustServer: trust.url,
    betweenTrust: pass,
    betweenRegistry: pass,
    directory,
    trustDirectory: (user) => join(directory, user, '.docker', 'trust'),
    run: (user, argv, env = {}) => runCaptured(argv, { ...homeOf(directory, user, trust.port), ...env }, clock),
    async close() {
      await Promise.all([trust.stop(), images.stop()]);
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return world;
}

function homeOf(directory: string, user: string, port: number): Record<string, string> {
  const home = join(directory, user);
  mkdirSync(home, { recursive: true });
  return {
    HOME: home,
    DOCKER_CONFIG: join(home, '.docker'),
    DOCKER_CONTENT_TRUST_SERVER: `http://127.0.0.1:${port}`,
    DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE: 'root-passphrase-of-tests',
    DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE: 'repository-passphrase-of-tests',
  };
}

/** Runs one command line with captured streams and no terminal. */
export async function runCaptured(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  clock: () => Date,
): Promise<Ran> {
  const text = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr') => ({
    write: (chunk: string) => {
      text[name] += chunk;
    },
    isTerminal: false,
    columns: 120,
  });
  const io: Io = {
    env,
    stdin: new PassThrough(),
    stdout: output('stdout'),
    stderr: output('stderr'),
    now: clock,
    untilStopped: async () => {},
  };
  const exitCode = await runProgram('hallmark', argv, io);
  return { exitCode, ...text };
}

/** Every file below a directory with its hash and mode: equal before and after means that nothing was changed. */
export function fingerprint(directory: string): Readonly<Record<string, string>> {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    files.map((file) => {
      const path = join(directory, file);
      const { mode } = statSync(path);
      const content = statSync(path).isDirectory()
        ? 'directory'
        : createHash('sha256').update(readFileSync(path)).digest('hex');
      return [file, `${(mode & 0o777).toString(8)} ${content}`];
    }),
  );
}
