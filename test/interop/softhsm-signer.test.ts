// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRemoteServiceKeys } from '../../src/signing/remote/index.ts';
import { keyId, nextTimestamp, notaryV1, parseGun, SNAPSHOT, TIMESTAMP } from '../../src/tuf/index.ts';
import { freePort } from '../support/free-port.ts';
import { makeCertificates } from './support/certificates.ts';
import { promise } from './support/journal.ts';
import { startNotaryServerOn, type TrustServer } from './support/notary-server.ts';
import { expectSuccess, tableRows } from './support/notary-world.ts';
import { run, type Service, succeed } from './support/processes.ts';
import { cleanEnvironment, hallmarkProgram, program } from './support/programs.ts';
import { startTokenSigner } from './support/signing-service.ts';
import { Stage } from './support/stage.ts';
import { User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

const PIN = '71828182';
const URI = 'pkcs11:token=service?module-name=softhsm2';
const gun = 'example.com/in-a-token';

describe("Debian's notary-server on a signing service whose keys lie in a SoftHSM2 token", () => {
  const stage = new Stage();
  let server: TrustServer;
  let directory: string;
  let port: number;
  let environment: Record<string, string>;
  let signer: Service;
  let owner: User;
  beforeAll(async () => {
    directory = stage.makeDirectory('services');
    await makeCertificates(directory, ['signer', 'server']);
    const configuration = join(directory, 'softhsm2.conf');
    writeFileSync(
      configuration,
      `directories.tokendir = ${directory}\nobjectstore.backend = file\nlog.level = ERROR\n`,
    );
    environment = cleanEnvironment({ HOME: directory, SOFTHSM2_CONF: configuration });
    const initial = ['--init-token', '--free', '--label', 'service', '--pin', PIN, '--so-pin', '31415926'];
    await succeed([program('softhsm2-util'), ...initial], { env: environment });
    writeFileSync(join(directory, 'pin'), PIN, { mode: 0o600 });
    port = await freePort();
    signer = await startTokenSigner(stage, directory, port, URI, environment);
    server = await startNotaryServerOn(stage, directory, port);
    owner = new User(stage, 'owner', server);
  }, START_MILLISECONDS);
  afterAll(() => stage.close());

  const published: string[] = [];
  async function expectPublish(name: string): Promise<void> {
    expectSuccess(await owner.notary('addhash', gun, name, '11', '--sha256', 'cd'.repeat(32), '-p'));
    published.push(name);
    const reader = new User(stage, `reader-${name}`, server);
    const rows = tableRows(expectSuccess(await reader.notary('list', gun)));
    expect(rows.map(([target]) => target)).toEqual([...published].sort());
  }

  promise('publishes and rotates; nothing that it asked for was refused', async () => {
    expectSuccess(await owner.notary('init', gun));
    await expectPublish('first');
    for (const role of ['snapshot', 'timestamp']) {
      expectSuccess(await owner.notary('key', 'rotate', gun, role, '-r'));
      await expectPublish(`after-${role}`);
    }
    expect(signer.text).toContain('"phase":"done"');
    expect(signer.text).not.toContain('"phase":"refused"');
    expect(signer.text).not.toContain(PIN);
  });

  promise('after a restart of the service its keys are what they were', async () => {
    const read = (name: string) => readFileSync(join(directory, name), 'utf8');
    const tls = { ca: read('ca.crt'), cert: read('server.crt'), key: read('server.key') };
    const remote = openRemoteServiceKeys({ hostname: 'localhost', port, tls });
    const name = parseGun('example.com/restarted');
    const [used, pending] = [
      await remote.create(name, TIMESTAMP, 'ecdsa'),
      await remote.create(name, SNAPSHOT, 'ecdsa'),
    ];
    const content = notaryV1.encodeSigned(nextTimestamp(undefined, notaryV1.pin(new Uint8Array()), new Date()));
    await (await remote.signer(keyId(used)))?.sign(content);
    await signer.kill();
    signer = await startTokenSigner(stage, directory, port, URI, environment);

    expect((await (await remote.signer(keyId(used)))?.sign(content))?.length).toBe(64);
    expect(await remote.create(name, SNAPSHOT, 'ecdsa')).toEqual(pending);
    expect(keyId(await remote.create(name, TIMESTAMP, 'ecdsa'))).not.toBe(keyId(used));
    await remote.remove(keyId(used));
    expect(await remote.signer(keyId(used))).toBeUndefined();
    await remote.close();
  });

  promise('its keys are named by role and repository, and the token gives none away', async () => {
    const hallmark = (...args: string[]) =>
      run([...hallmarkProgram(), ...args, '--token', `${URI}&pin-source=file:${join(directory, 'pin')}`], {
        env: environment,
        cwd: directory,
      });
    const { keys } = JSON.parse(expectSuccess(await hallmark('key', 'list', '--json')));
    const named = keys.map((key: { role: string; gun: string }) => `${key.role} ${key.gun}`).sort();
    expect(named).toEqual(
      expect.arrayContaining([`snapshot ${gun}`, `timestamp ${gun}`, 'pending:snapshot:example.com/restarted null']),
    );
    for (const { keyId } of keys)
      expect(await hallmark('key', 'export', keyId)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('never gives it away'),
      });
  });
});
