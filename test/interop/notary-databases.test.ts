// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { join } from 'node:path';
import { openMetadataStorage } from '../../src/server/index.ts';
import { SERVER_ENGINES, type ServerEngine, scratchDatabases } from '../support/databases.ts';
import { DUMP_PASSPHRASES, restoreDump } from '../support/notary-dumps.ts';
import { VECTORS } from '../support/vectors.ts';
import { promise } from './support/journal.ts';
import { expectSuccess, tableRows } from './support/notary-world.ts';
import { type Outcome, run, succeed } from './support/processes.ts';
import { cleanEnvironment, program } from './support/programs.ts';
import { type Address, TrustOnDatabase } from './support/trust-on-database.ts';
import { User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

for (const engine of SERVER_ENGINES) {
  describeBackAndForth(engine);
  describeTakeOver(engine);
}

/** Databases that Hallmark makes, handed to the original programs and back. */
function describeBackAndForth(engine: ServerEngine): void {
  const gun = 'example.com/interop/database';
  const scratch = scratchDatabases(engine);

  describe(`databases of Hallmark under the original programs and back (${engine})`, () => {
    let trust: TrustOnDatabase;
    let owner: User;
    let follower: User;
    const published: string[] = [];

    beforeAll(async () => {
      const [metadata, signer] = [await scratch(), await scratch()] as [Address, Address];
      trust = await TrustOnDatabase.open(metadata, signer, { prod_1: 'a passphrase of a signer' });
      await trust.serveBy('hallmark');
      [owner, follower] = [
        new User(trust.stage, 'owner', trust.server),
        new User(trust.stage, 'follower', trust.server),
      ];
    }, START_MILLISECONDS);
    afterAll(() => trust?.close());

    const publish = async (name: string) => {
      expectSuccess(await owner.notary('addhash', gun, name, '11', '--sha256', 'cd'.repeat(32), '-p'));
      published.push(name);
    };
    const expectAllRead = async (when: string) => {
      for (const reader of [follower, new User(trust.stage, `newcomer-${when}`, trust.server)]) {
        const rows = tableRows(expectSuccess(await reader.notary('list', gun)));
        expect(rows.map(([target]) => target)).toEqual([...published].sort());
      }
    };

    promise('what Hallmark stored is read from Hallmark', async () => {
      expectSuccess(await owner.notary('init', gun));
      expectSuccess(await owner.notary('key', 'rotate', gun, 'snapshot', '-r'));
      await publish('by-hallmark');
      await expectAllRead('first');
    });

    promise('notary-server and notary-signer serve it, sign with its keys, and publish on top', async () => {
      await trust.serveBy('notary');
      await expectAllRead('notary');
      await publish('by-notary');
      expectSuccess(await owner.notary('key', 'rotate', gun, 'timestamp', '-r'));
      await publish('by-notary-rotated');
      await expectAllRead('notary-published');
    });

    promise('Hallmark goes on from there, and rotates the keys that it signs with', async () => {
      await trust.serveBy('hallmark');
      await expectAllRead('back');
      await publish('by-hallmark-again');
      for (const role of ['timestamp', 'snapshot']) expectSuccess(await owner.notary('key', 'rotate', gun, role, '-r'));
      await publish('by-hallmark-rotated');
      await expectAllRead('back-published');
    });

    promise('what Notary stored meanwhile gets into the list of what expires', async () => {
      const { storage, close } = await openMetadataStorage(trust.metadata);
      await storage.backfillExpiry({ limit: 100, now: new Date() });
      const list = await storage.expiring({ before: new Date('2300-01-01'), limit: 100 });

      expect(list.map(({ role }) => role).sort()).toEqual(['root', 'snapshot', 'targets', 'timestamp'] as never);
      for (const { role, version } of list) {
        expect((await storage.latest(gun as never, role))?.version).toBe(version);
      }
      await close();
    });

    promise('the originals follow, and a deletion by either is one for both', async () => {
      await trust.serveBy('notary');
      await expectAllRead('again');
      expectSuccess(await owner.notary('delete', gun, '--remote'));
      await trust.serveBy('hallmark');

      expect(await new User(trust.stage, 'late', trust.server).notary('list', gun)).toMatchObject({ code: 1 });
    });
  });
}

/** Databases that the original programs made, as they were recorded. */
function describeTakeOver(engine: ServerEngine): void {
  const gun = 'example.com/vec/rotate';
  const scratch = scratchDatabases(engine);
  const passphrases = {
    NOTARY_ROOT_PASSPHRASE: 'root-passphrase-1',
    NOTARY_TARGETS_PASSPHRASE: 'targets-passphrase-1',
    NOTARY_SNAPSHOT_PASSPHRASE: 'snapshot-passphrase-1',
  };

  describe(`recorded databases of the original programs under Hallmark (${engine})`, () => {
    let trust: TrustOnDatabase;
    let home: string;

    beforeAll(async () => {
      const [metadata, signer] = [await scratch(), await scratch()] as [Address, Address];
      await restoreDump(metadata, 'server');
      await restoreDump(signer, 'signer');
      trust = await TrustOnDatabase.open(metadata, signer, {
        vec_alias_2: DUMP_PASSPHRASES.vec_alias_2 ?? '',
        vec_alias_1: DUMP_PASSPHRASES.vec_alias_1 ?? '',
      });
      await trust.serveBy('hallmark');
      home = trust.stage.makeDirectory('recorded');
      const recorded = join(VECTORS, 'db', `${engine === 'mysql' ? 'mysql' : 'postgresql'}-notary.tar.gz`);
      await succeed([program('tar'), 'xzf', recorded, '-C', home], { env: cleanEnvironment() });
    }, START_MILLISECONDS);
    afterAll(() => trust?.close());

    const notary = (...args: string[]): Promise<Outcome> =>
      run([program('notary'), '-s', trust.server.url, '--tlscacert', trust.server.ca, '-d', home, ...args], {
        env: cleanEnvironment({ HOME: home, ...passphrases }),
      });
    const targets = async (from: 'recorded' | 'new') => {
      const reader =
        from === 'recorded'
          ? notary
          : (...args: string[]) => new User(trust.stage, 'new', trust.server).notary(...args);
      return tableRows(expectSuccess(await reader('list', gun))).map(([name]) => name);
    };

    promise('everybody reads on', async () => {
      const known = await targets('recorded');
      expect(known.length).toBeGreaterThan(0);
      expect(await targets('new')).toEqual(known);
    });

    promise('the publisher publishes on top, with the keys of then', async () => {
      expectSuccess(await notary('addhash', gun, 'on-top', '11', '--sha256', 'ab'.repeat(32), '-p'));
      expect(await targets('new')).toContain('on-top');
    });

    promise('the timestamp key is rotated to a new one of this signer', async () => {
      expectSuccess(await notary('key', 'rotate', gun, 'timestamp', '-r'));
      expectSuccess(await notary('addhash', gun, 'rotated', '11', '--sha256', 'ab'.repeat(32), '-p'));
      expect(await targets('new')).toContain('rotated');
    });

    promise('given back, the original programs go on', async () => {
      await trust.serveBy('notary');
      expect(await targets('new')).toContain('rotated');
      expectSuccess(await notary('addhash', gun, 'given-back', '11', '--sha256', 'ab'.repeat(32), '-p'));
      expect(await targets('new')).toContain('given-back');
    });
  });
}
