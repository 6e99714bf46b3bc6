// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { copyFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { SERVER_ENGINES, type ServerEngine, scratchDatabases } from '../support/databases.ts';
import { makeCertificates } from './support/certificates.ts';
import { ConfigServices } from './support/config-services.ts';
import { makeImage, startDockerd, startRegistry } from './support/dockerd.ts';
import { promise } from './support/journal.ts';
import { expectSuccess, tableRows } from './support/notary-world.ts';
import { run } from './support/processes.ts';
import { cleanEnvironment, hallmarkProgram } from './support/programs.ts';
import { Stage } from './support/stage.ts';
import { User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

for (const engine of SERVER_ENGINES) describeServices(engine);

function describeServices(engine: ServerEngine): void {
  const scratch = scratchDatabases(engine);

  describe(`two services on Notary's own configuration files (${engine})`, () => {
    const stage = new Stage();
    const gun = 'example.com/interop/services';
    const published: string[] = [];
    let services: ConfigServices;
    let owner: User;
    let registry: string;
    let dockerHost: string;

    const hallmark = (...args: string[]) =>
      run([...hallmarkProgram(), ...args], {
        cwd: services.directory,
        env: cleanEnvironment({ HOME: services.directory, NOTARY_SIGNER_INTEROP_1: 'a passphrase of keys' }),
      });
    const publish = async (name: string) => {
      expectSuccess(await owner.notary('addhash', gun, name, '11', '--sha256', 'cd'.repeat(32), '-p'));
      published.push(name);
    };
    const expectAllRead = async (by: string) => {
      for (const reader of [owner, new User(stage, `newcomer-${by}`, services.server)]) {
        const rows = tableRows(expectSuccess(await reader.notary('list', gun)));
        expect(rows.map(([target]) => target)).toEqual([...published].sort());
      }
    };

    beforeAll(async () => {
      services = await ConfigServices.open(stage, await scratch(), await scratch());
      owner = new User(stage, 'owner', services.server);
      [registry, dockerHost] = [await startRegistry(stage), await startDockerd(stage)];
    }, START_MILLISECONDS);
    afterAll(async () => {
      await services?.stop();
      await stage.close();
    });

    promise('hallmark migrate makes the tables, and the second time has nothing to do', async () => {
      for (const file of ['server.json', 'signer.json']) {
        expect((await hallmark('migrate', '--config', file, '--dry-run')).stdout).toContain('pending 0001');
        expect((await hallmark('migrate', '--config', file)).stdout).toContain('applied 0001');
        expect((await hallmark('migrate', '--config', file)).stdout).not.toContain('applied');
      }
    });

    promise(
      'hallmark config check tells that the signing service is missing, and that all is well once it runs',
      async () => {
        const before = await hallmark('config', 'check', 'server.json');
        expect([before.code, before.stdout]).toEqual([1, expect.stringContaining('failed   signing service')]);
        await services.serveBy('hallmark');
        for (const file of ['server.json', 'signer.json']) {
          const { code, stdout } = await hallmark('config', 'check', '--json', file);
          expect([code, JSON.parse(stdout)]).toMatchObject([0, { ok: true }]);
        }
      },
    );

    promise('notary publishes and lists', async () => {
      expectSuccess(await owner.notary('init', gun));
      expectSuccess(await owner.notary('key', 'rotate', gun, 'snapshot', '-r'));
      await publish('by-hallmark');
      await expectAllRead('hallmark');
    });

    promise('docker pushes, signs and pulls', async () => {
      const [publisher, reader] = [
        new User(stage, 'docker-publisher', services.server, dockerHost),
        new User(stage, 'docker-reader', services.server, dockerHost),
      ];
      const image = `${registry}/interop/services:1`;
      await makeImage(stage, dockerHost, image, 'content of the services');
      expect((await publisher.docker('push', image)).code).toBe(0);
      await publisher.untrusted('rmi', '--force', image);
      const pull = await reader.docker('pull', image);
      expect([pull.code, pull.stdout]).toEqual([0, expect.stringContaining('Pull (1 of 1)')]);
    });

    promise('notary-server and notary-signer go on with the same files', async () => {
      await services.serveBy('notary');
      await expectAllRead('notary');
      await publish('by-notary');
      await expectAllRead('notary-again');
    });

    promise('Hallmark under their names goes on with the same files and command lines', async () => {
      await services.serveBy('face');
      await expectAllRead('face');
      await publish('by-face');
      for (const role of ['timestamp', 'snapshot']) expectSuccess(await owner.notary('key', 'rotate', gun, role, '-r'));
      await publish('by-face-rotated');
      await expectAllRead('face-again');
      expect(services.logs).toContain('"msg":"serving"');
    });

    promise('and back once more', async () => {
      await services.serveBy('notary');
      await expectAllRead('back');
      await publish('by-notary-again');
      await services.serveBy('hallmark');
      await publish('by-hallmark-again');
      await expectAllRead('hallmark-again');
    });

    promise('SIGUSR1 makes it say more, SIGUSR2 less, as with the original', async () => {
      services.signal('SIGUSR1');
      await services.line(/"newLevel":"debug"/);
      await new User(stage, 'debugged', services.server).notary('list', gun);
      await services.line(/"level":"debug".*"method":"GET"/);
      services.signal('SIGUSR2');
      await services.line(/"newLevel":"info"/);
    });

    promise('a new certificate is shown while the server runs, on SIGHUP or after a while', async () => {
      const renewed = stage.makeDirectory(`renewed-${engine}`);
      await makeCertificates(renewed, ['server']);
      const before = await shownBy(services.server.host);
      for (const file of ['server.crt', 'server.key']) {
        const fresh = join(services.directory, `${file}.new`);
        copyFileSync(join(renewed, file), fresh);
        renameSync(fresh, join(services.directory, file));
      }
      services.signal('SIGHUP');
      let shown = before;
      while (shown === before || shown === undefined) shown = await shownBy(services.server.host);
    });
  });
}

/** The fingerprint of the certificate that a fresh connection is shown. */
function shownBy(host: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const port = Number(host.split(':').at(-1));
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
      socket.destroy();
    });
    // what the kernel had just accepted for the old listener is reset, unless it is told to migrate it (docs/adr/0016)
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' ? resolve(undefined) : reject(error),
    );
  });
}
