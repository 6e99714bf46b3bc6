// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { metadataUrl } from '../../../src/client/index.ts';
import { createConsole } from '../../../src/console/index.ts';
import { HttpTrustServer } from '../../../src/publisher/index.ts';
import { DEFAULT_OPERATION, DEFAULT_SERVER_LIMITS, type ServerSettings } from '../../../src/server/config/index.ts';
import { DEFAULT_CACHE_AGES } from '../../../src/server/index.ts';
import { type RunningServer, startServer } from '../../../src/server/start/index.ts';
import { ensureOwnTls, SILENT_LOG } from '../../../src/service/index.ts';
import { parseGun, parseRoleName, TARGETS } from '../../../src/tuf/index.ts';
import { hashOf } from '../../support/htpasswd-door.ts';
import { type Files, RepositoryBuilder } from '../../support/repository-builder.ts';

const DAY = 86_400_000;
export const HOSTILE_TAG = '<img src=x onerror=alert(1)>\u202egnp.exe';

/** A whole trust server with its console on a port of its own, over TLS, and a clock that a test turns. */
export class ConsoleStage {
  now = new Date('2026-11-01T09:00:00Z');
  readonly #directory = mkdtempSync(join(tmpdir(), 'hallmark-console-'));
  readonly #names: string[] = [];
  #server: RunningServer | undefined;

  async start(auth: ServerSettings['auth'] = { type: 'none' }): Promise<this> {
    const own = await ensureOwnTls(this.#directory, ['localhost', '127.0.0.1'], new Date());
    const address = { hostname: '127.0.0.1', port: 0 };
    const settings: ServerSettings = {
      ...DEFAULT_OPERATION,
      ...{ listen: address, tls: { cert: own.certFile, key: own.keyFile }, storage: { engine: 'memory' } },
      ...{
        keys: { at: 'memory' },
        keyAlgorithm: 'ecdsa',
        auth,
        gunPrefixes: [],
        limits: { ...DEFAULT_SERVER_LIMITS, rates: {} },
      },
      ...{ cacheAges: DEFAULT_CACHE_AGES, logLevel: 'silent', warnings: [], console: { listen: address } },
    };
    const context = { env: {}, clock: () => this.now, log: SILENT_LOG, version: 'test' };
    this.#server = await startServer(settings, { ...context, openConsole: createConsole });
    return this;
  }

  get #running(): RunningServer {
    if (this.#server === undefined) throw new Error('not started');
    return this.#server;
  }

  /** `https://127.0.0.1:PORT/console/` */
  get url(): string {
    return this.#running.consoleUrl ?? '';
  }

  /** Users ann (everything) and bob (one team), with passwords secret-of-ann and secret-of-bob. */
  users(): ServerSettings['auth'] {
    mkdirSync(this.#directory, { recursive: true });
    const file = join(this.#directory, 'htpasswd');
    writeFileSync(file, `ann:${hashOf('secret-of-ann')}\nbob:${hashOf('secret-of-bob')}\n`);
    const rule = (user: string, gun: string) => ({ users: [user], groups: [], gun, allow: ['*'] as const });
    const rules = [rule('ann', '*'), rule('bob', 'registry.example.com/billing/*')];
    return { type: 'htpasswd', file, publicRead: false, groups: {}, rules };
  }

  /** What a server does by itself while weeks go by: each timestamp is signed anew before it ends, or when it is asked for. */
  async renew(): Promise<void> {
    for (const name of this.#names) {
      const response = await this.#fetch(metadataUrl(this.#running.url, parseGun(name), 'timestamp.json'), {});
      if (response.status !== 200) throw new Error(`timestamp of ${name}: ${response.status}`);
    }
  }

  later(days: number): void {
    this.now = new Date(this.now.getTime() + days * DAY);
  }

  /** A publisher of a repository whose timestamp and snapshot the server signs. */
  async publisher(name: string): Promise<{ repository: RepositoryBuilder; send(files: Files): Promise<void> }> {
    const server = new HttpTrustServer({ server: this.#running.url, fetch: (url, init) => this.#fetch(url, init) });
    const gun = parseGun(name);
    this.#names.push(name);
    const timestampKey = await server.key(gun, 'timestamp');
    const snapshotKey = await server.key(gun, 'snapshot');
    const repository = await RepositoryBuilder.create({ gun: name, now: this.now, timestampKey, snapshotKey });
    return {
      repository,
      send: (files) => server.publish(gun, new Map([...files].map(([role, file]) => [parseRoleName(role), file]))),
    };
  }

  #fetch(url: string, init: RequestInit): Promise<Response> {
    const authorization = `Basic ${Buffer.from('ann:secret-of-ann').toString('base64')}`;
    const headers = { ...(init.headers as Record<string, string>), authorization };
    return fetch(url, { ...init, headers, tls: { rejectUnauthorized: false } });
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Repositories as a company has them: some sound, some about to expire, one expired, one with a hostile name in it. */
export async function fill(stage: ConsoleStage): Promise<void> {
  await shop(stage);
  await billing(stage);
  await single(stage, 'registry.example.com/legacy/reports', 40);
  await single(stage, 'registry.example.com/legacy/soon', 60);
  await hostile(stage);
  for (let index = 0; index < 60; index++) {
    await single(stage, `registry.example.com/services/service-${String(index).padStart(2, '0')}`, 1095);
  }
  stage.later(41);
  await stage.renew();
}

async function shop(stage: ConsoleStage): Promise<void> {
  const { repository, send } = await stage.publisher('registry.example.com/shop/web');
  const releases = repository.delegate('targets/releases');
  const alice = repository.delegate('targets/alice');
  repository.delegate('targets/bob');
  for (const tag of ['1.0', '1.1']) repository.addTarget(tag, tag, releases).addTarget(tag, tag, alice);
  await send(repository.all());
  stage.later(2);
  repository.now = stage.now;
  await send(
    repository
      .bump(releases, alice)
      .addTarget('1.2', '1.2', releases)
      .addTarget('1.2', '1.2', alice)
      .update(releases, alice),
  );
  stage.later(1);
  repository.now = stage.now;
  await send(await repository.rotateRoot());
  await send(repository.bump(releases).addTarget('latest', '1.2', releases).update(releases));
  await send(repository.bump(releases).addTarget('latest', '1.1', releases).update(releases));
}

async function billing(stage: ConsoleStage): Promise<void> {
  const { repository, send } = await stage.publisher('registry.example.com/billing/api');
  const releases = repository.delegate('targets/releases');
  for (let index = 1; index <= 130; index++) repository.addTarget(`2026.${index}`, `build ${index}`, releases);
  await send(repository.all());
}

/** One tag, whose targets expire after so many days. */
async function single(stage: ConsoleStage, name: string, days: number): Promise<void> {
  const { repository, send } = await stage.publisher(name);
  repository.addTarget('latest');
  repository.targets = { ...repository.targets, expires: new Date(stage.now.getTime() + days * DAY) };
  await send(repository.all());
}

async function hostile(stage: ConsoleStage): Promise<void> {
  const { repository, send } = await stage.publisher('registry.example.com/zz/evil<b>&"\u202etxt');
  await send(repository.addTarget(HOSTILE_TAG, 'x', TARGETS).all());
}
