// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listen } from '../../src/service/index.ts';
import { SERVER_ENGINES, type ServerEngine, scratchDatabases } from '../support/databases.ts';
import { DUMP_PASSPHRASES, restoreDump } from '../support/notary-dumps.ts';
import { openTrustServer } from '../support/open-trust-server.ts';
import { VECTORS } from '../support/vectors.ts';
import { promise } from './support/journal.ts';
import { expectSuccess, type NotaryWorld, openNotaryWorld, tableRows } from './support/notary-world.ts';
import { type Outcome, run, succeed } from './support/processes.ts';
import { cleanEnvironment, hallmarkProgram, notaryProgram, program } from './support/programs.ts';
import { Stage } from './support/stage.ts';
import { NOTARY_PASSPHRASES, type User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

interface Successor {
  readonly url: string;
  stop(): Promise<void>;
}

async function serve(dataDir: string, env: Readonly<Record<string, string>> = {}): Promise<Successor> {
  const server = await openTrustServer(dataDir, () => new Date(), env);
  const listener = listen({ fetch: server.fetch, tls: 'plain', hostname: '127.0.0.1', port: 0 });
  return {
    url: `http://127.0.0.1:${listener.port}`,
    stop: async () => {
      await listener.stop();
      await server.close();
    },
  };
}

/** The notary CLI on a home that knew another server. */
function notaryAt(url: string, home: string, ...args: string[]): Promise<Outcome> {
  const argv = [...notaryProgram(), '-s', url, '-d', home, ...args];
  return run(argv, { env: cleanEnvironment({ HOME: home, ...NOTARY_PASSPHRASES }), stdin: '' });
}

describe('a repository of notary-server goes on at Hallmark, by its archive', () => {
  const gun = 'example.com/interop/imported';
  let world: NotaryWorld;
  let owner: User;
  let follower: User;
  let successor: Successor;

  beforeAll(async () => {
    world = await openNotaryWorld('notary');
    [owner, follower] = [world.user('owner'), world.user('follower')];
    expectSuccess(await owner.notary('init', gun, '-p'));
    expectSuccess(await owner.notary('addhash', gun, 'v1', '11', '--sha256', 'cd'.repeat(32), '-p'));
    expectSuccess(await follower.notary('list', gun));
    expectSuccess(await owner.notary('key', 'rotate', gun, 'snapshot', '-r'));
    expectSuccess(await owner.notary('key', 'rotate', gun, 'targets'));
  }, START_MILLISECONDS);
  afterAll(async () => {
    await successor?.stop();
    await world?.close();
  });

  const homeOf = (user: User) => join(user.home, '.notary');
  const names = async (home: string) =>
    tableRows(expectSuccess(await notaryAt(successor.url, home, 'list', gun))).map(([name]) => name);

  promise('archived and imported, notary clients old and new read it at the new address', async () => {
    const [archive, data] = [world.stage.makeDirectory('archive'), world.stage.makeDirectory('data')];
    expectSuccess(await owner.hallmark('--server', world.server.url, 'archive', gun, '--output', archive));
    expect(expectSuccess(await owner.hallmark('import', archive, '--data', data))).toStartWith(`${gun}: 3 roots`);

    successor = await serve(data);
    expect(await names(homeOf(follower))).toEqual(['v1']);
    expect(await names(world.stage.makeDirectory('newcomer'))).toEqual(['v1']);
  });

  promise('its publisher gives the new server the keys and goes on; every notary client follows', async () => {
    const rotate = ['key', 'rotate', gun, 'timestamp', 'snapshot', '--server-managed'];
    const passphrases = {
      DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE: NOTARY_PASSPHRASES.NOTARY_ROOT_PASSPHRASE,
      DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE: NOTARY_PASSPHRASES.NOTARY_TARGETS_PASSPHRASE,
    };
    const options = ['--server', successor.url, '--trust-dir', homeOf(owner)];
    expectSuccess(await owner.hallmarkWith(passphrases, ...options, ...rotate));

    const add = ['addhash', gun, 'v2', '12', '--sha256', 'ef'.repeat(32), '-p'];
    expectSuccess(await notaryAt(successor.url, homeOf(owner), ...add));
    for (const home of [homeOf(follower), world.stage.makeDirectory('late')])
      expect(await names(home)).toEqual(['v1', 'v2']);
  });
});

for (const engine of SERVER_ENGINES) describeDatabase(engine);

function describeDatabase(engine: ServerEngine): void {
  const gun = 'example.com/vec/rotate';
  const scratch = scratchDatabases(engine);
  const backend = engine === 'postgres' ? 'postgres' : 'mysql';

  describe(`the databases of notary-server and notary-signer on ${engine}, copied by their own configurations`, () => {
    let stage: Stage;
    let data: string;
    let home: string;
    let successor: Successor;
    const variables = {
      NOTARY_SIGNER_DEFAULT_ALIAS: 'vec_alias_1',
      ...Object.fromEntries(
        Object.entries(DUMP_PASSPHRASES).map(([alias, text]) => [`NOTARY_SIGNER_${alias.toUpperCase()}`, text]),
      ),
    };

    beforeAll(async () => {
      stage = new Stage();
      [data, home] = [stage.makeDirectory('data'), stage.makeDirectory('recorded')];
      const [server, signer] = [
        { ...(await scratch()), engine },
        { ...(await scratch()), engine },
      ];
      await restoreDump(server, 'server');
      await restoreDump(signer, 'signer');
      const storage = (db_url: string) => ({ backend, db_url });
      const write = (name: string, content: unknown) =>
        writeFileSync(join(stage.directory, name), JSON.stringify(content), { mode: 0o600 });
      write('server.json', {
        server: { http_addr: '127.0.0.1:4443' },
        trust_service: {
          type: 'remote',
          hostname: 'signer',
          port: '7899',
          tls_ca_file: 'ca',
          tls_client_cert: 'c',
          tls_client_key: 'k',
          key_algorithm: 'ecdsa',
        },
        storage: storage(server.url),
      });
      write('signer.json', {
        server: { grpc_addr: '127.0.0.1:7899', tls_cert_file: 'c', tls_key_file: 'k', client_ca_file: 'ca' },
        storage: { ...storage(signer.url), default_alias: 'vec_alias_1' },
      });
      const recorded = join(VECTORS, 'db', `${engine === 'mysql' ? 'mysql' : 'postgresql'}-notary.tar.gz`);
      await succeed([program('tar'), 'xzf', recorded, '-C', home], { env: cleanEnvironment() });
    }, START_MILLISECONDS);
    afterAll(async () => {
      await successor?.stop();
      await stage?.close();
    });

    const notary = (...args: string[]) => {
      const passphrases = {
        NOTARY_ROOT_PASSPHRASE: 'root-passphrase-1',
        NOTARY_TARGETS_PASSPHRASE: 'targets-passphrase-1',
        NOTARY_SNAPSHOT_PASSPHRASE: 'snapshot-passphrase-1',
      };
      return run([program('notary'), '-s', successor.url, '-d', home, ...args], {
        env: cleanEnvironment({ HOME: home, ...passphrases }),
      });
    };

    promise('one command copies files, changefeed and keys, and says so', async () => {
      const from = ['--from-config', 'server.json', '--signer-config', 'signer.json', '--data', data];
      const outcome = await run([...hallmarkProgram(), 'import', ...from], {
        env: cleanEnvironment({ HOME: home, ...variables }),
        cwd: stage.directory,
      });
      expect(expectSuccess(outcome)).toMatch(/^tuf_files: \d+ rows, \d+ copied now, all compared/);
      expect(outcome.stdout).toContain('passphrases of keys: vec_alias_1, vec_alias_2');
      expect(outcome.stderr).toContain('every key alias opens its keys');
    });

    promise('the recorded publisher reads and publishes on, and the keys sign as before', async () => {
      successor = await serve(data, variables);
      expect(tableRows(expectSuccess(await notary('list', gun))).length).toBeGreaterThan(0);
      expectSuccess(await notary('addhash', gun, 'copied', '11', '--sha256', 'ab'.repeat(32), '-p'));
      expect(expectSuccess(await notary('list', gun))).toContain('copied');
    });
  });
}
