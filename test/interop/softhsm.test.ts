// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pushTinyImage } from '../support/tiny-image.ts';
import { promise } from './support/journal.ts';
import type { TrustServer } from './support/notary-server.ts';
import { expectSuccess, tableRows } from './support/notary-world.ts';
import { type Outcome, run, succeed } from './support/processes.ts';
import { cleanEnvironment, hallmarkProgram, program } from './support/programs.ts';
import { Session } from './support/pty.ts';
import { Stage } from './support/stage.ts';
import { startTrustServer } from './support/trust-server.ts';
import { PASSPHRASES, User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

const WORK_PIN = '71828182';
const HOME_PIN = '123456';
const work = 'pkcs11:token=work?module-name=softhsm2';
const home = 'pkcs11:token=home?module-name=softhsm2';

describe('hallmark with keys in SoftHSM2 tokens', () => {
  const stage = new Stage();
  let server: TrustServer;
  let owner: User;
  let reader: User;
  let environment: Record<string, string>;
  let registry: string;
  let pinFile: string;
  const outputs: string[] = [];

  beforeAll(async () => {
    server = await startTrustServer(stage, 'hallmark');
    registry = server.embeddedRegistry ?? '';
    [owner, reader] = [new User(stage, 'owner', server), new User(stage, 'reader', server)];
    const tokens = stage.makeDirectory('tokens');
    const configuration = join(tokens, 'softhsm2.conf');
    writeFileSync(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
    environment = cleanEnvironment({
      ...PASSPHRASES,
      HOME: owner.home,
      DOCKER_CONFIG: owner.config,
      DOCKER_CONTENT_TRUST_SERVER: server.url,
      SOFTHSM2_CONF: configuration,
    });
    for (const [label, pin] of [
      ['work', WORK_PIN],
      ['home', HOME_PIN],
    ] as const)
      await succeed(
        [program('softhsm2-util'), '--init-token', '--free', '--label', label, '--pin', pin, '--so-pin', '31415926'],
        { env: environment },
      );
    pinFile = join(owner.home, 'pin');
    writeFileSync(pinFile, `${WORK_PIN}\n`, { mode: 0o600 });
    for (const repository of ['hardware', 'mixed']) await pushTinyImage(registry, repository, '1');
  }, START_MILLISECONDS);
  afterAll(() => stage.close());

  const withPin = (uri: string) => `${uri}&pin-source=file:${pinFile}`;

  async function hallmark(...args: string[]): Promise<Outcome> {
    const outcome = await run([...hallmarkProgram(), ...args], { env: environment, cwd: owner.home });
    outputs.push(outcome.output);
    return outcome;
  }

  function onTerminal(...args: string[]): Session {
    return new Session([...hallmarkProgram(), ...args], { env: environment, cwd: owner.home });
  }

  async function listed(uri: string): Promise<{ role: string; gun: string | null; keyId: string; location: string }[]> {
    return JSON.parse(expectSuccess(await hallmark('key', 'list', '--token', uri, '--json'))).keys;
  }

  promise('a root key is made in a token, with the PIN typed once and not shown', async () => {
    const session = onTerminal('key', 'generate', '--role', 'root', '--token', work);
    await session.expect(/Enter PIN of token "work": $/);
    await session.sendSecret(WORK_PIN);
    const [, keyId] = await session.expect(/Generated ecdsa root key with ID ([0-9a-f]{64})/);
    expect(await session.exit()).toBe(0);
    expect(session.transcript).not.toContain(WORK_PIN);
    expect(await listed(work)).toEqual([
      expect.objectContaining({ role: 'root', keyId: keyId as string, location: 'token' }),
    ]);
    expect(existsSync(join(owner.trustDirectory, 'private'))).toBe(false);
  });

  promise('a repository is made and signed with the root key in the token; notary trusts it', async () => {
    const repository = `${registry}/hardware`;
    const [root] = await listed(work);
    const signed = await hallmark('sign', `${repository}:1`, '--token', withPin(work));
    expectSuccess(signed);
    expect(signed.stderr).toContain(`pinned root key ${root?.keyId.slice(0, 12)}\n`);
    expect(readdirSync(join(owner.trustDirectory, 'private'))).toHaveLength(1);
    expect(tableRows(expectSuccess(await reader.notary('list', repository)))).toHaveLength(1);
  });

  promise('the targets key moves into another token; both tokens sign, the PIN of one by descriptor', async () => {
    const repository = `${registry}/hardware`;
    const made = [
      'key',
      'generate',
      '--role',
      'targets',
      '--gun',
      repository,
      '--token',
      home,
      '--pin-fd',
      '3',
      '--json',
    ];
    const command = [...hallmarkProgram(), ...made].map((word) => `'${word}'`).join(' ');
    const generated = await run(['/bin/sh', '-c', `printf ${HOME_PIN} > ../home-pin; ${command} 3<../home-pin`], {
      env: environment,
      cwd: owner.home,
    });
    const { keyId } = JSON.parse(expectSuccess(generated));
    // a PIN that every manual prints is told, and not repeated
    expect(generated.stderr).toContain('Warning: the PIN of token "home" is one that its maker set');
    expect(generated.output).not.toContain(HOME_PIN);

    const both = ['--token', withPin(work), '--token', `${home}&pin-source=file:${join(owner.home, '../home-pin')}`];
    const open = await hallmark('key', 'rotate', repository, 'targets', '--key', keyId, ...both);
    expect(open).toMatchObject({ code: 1, stderr: expect.stringContaining('chmod 600') });
    expectSuccess(await run(['/bin/chmod', '600', join(owner.home, '../home-pin')], { env: environment }));
    expectSuccess(await hallmark('key', 'rotate', repository, 'targets', '--key', keyId, ...both));
    expectSuccess(await hallmark('sign', `${repository}:1`, ...both));
    expect(readdirSync(join(owner.trustDirectory, 'private'))).toEqual([]);
    expect(tableRows(expectSuccess(await reader.notary('list', repository)))).toHaveLength(1);
  });

  promise('the certificate of a root key in a token is renewed', async () => {
    const repository = `${registry}/hardware`;
    expectSuccess(await hallmark('key', 'renew-certificate', repository, '--token', withPin(work)));
    expect(tableRows(expectSuccess(await reader.notary('list', repository)))).toHaveLength(1);
  });

  promise('a key file is imported into a token, and signs from there after the file is gone', async () => {
    const repository = `${registry}/mixed`;
    const made = expectSuccess(await hallmark('key', 'generate', '--role', 'root', '--json'));
    const { keyId } = JSON.parse(made);
    const file = join(owner.home, 'root.pem');
    expectSuccess(await hallmark('sign', `${repository}:1`));
    expectSuccess(await hallmark('key', 'export', keyId, '-o', file));
    expect(expectSuccess(await hallmark('key', 'import', file, '--token', withPin(work)))).toBe(
      `Imported root key ${keyId}\n`,
    );
    expectSuccess(await hallmark('key', 'remove', keyId, '--yes'));
    const without = await hallmark('key', 'rotate', repository, 'targets');
    expect(without).toMatchObject({ code: 1, stderr: expect.stringContaining(keyId) });
    expectSuccess(await hallmark('key', 'rotate', repository, 'targets', '--token', withPin(work)));
    expect(tableRows(expectSuccess(await reader.notary('list', repository)))).toHaveLength(1);
    const refused = await hallmark('key', 'export', keyId, '--token', withPin(work));
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('never gives it away') });
  });

  promise('an RSA key in a token: certificates by PKCS#1, metadata by PSS, as verifiers want them', async () => {
    const repository = `${registry}/mixed`;
    const argv = ['--role', 'root', '--algorithm', 'rsa', '--token', withPin(work), '--json'];
    const { keyId } = JSON.parse(expectSuccess(await hallmark('key', 'generate', ...argv)));
    expectSuccess(await hallmark('key', 'rotate', repository, 'root', '--key', keyId, '--token', withPin(work)));
    expectSuccess(await hallmark('key', 'rotate', repository, 'timestamp', '--token', withPin(work)));
    expect(tableRows(expectSuccess(await reader.notary('list', repository)))).toHaveLength(1);
    expectSuccess(await hallmark('verify', `${repository}:1`));
  });

  promise('HALLMARK_TOKEN does what --token does', async () => {
    environment.HALLMARK_TOKEN = `${withPin(work)} ${home}`;
    const { keys } = JSON.parse(expectSuccess(await hallmark('key', 'list', '--json')));
    delete environment.HALLMARK_TOKEN;
    const tokens = new Set(keys.map(({ path }: { path: string }) => path.split(';')[0]));
    expect([...tokens].filter((path) => `${path}`.startsWith('pkcs11:')).sort()).toEqual([
      'pkcs11:token=home',
      'pkcs11:token=work',
    ]);
  });

  promise('notary takes the keys of HALLMARK_TOKEN, and a rotation leaves what lies in the token there', async () => {
    const repository = `${registry}/notary-face`;
    const { keyId } = JSON.parse(
      expectSuccess(
        await hallmark(
          ...['key', 'generate', '--role', 'targets', '--gun', repository],
          ...['--token', withPin(work), '--json'],
        ),
      ),
    );
    const passphrase = 'a passphrase for notary';
    Object.assign(environment, { HALLMARK_TOKEN: withPin(work) });
    Object.assign(environment, { NOTARY_TARGETS_PASSPHRASE: passphrase, NOTARY_SNAPSHOT_PASSPHRASE: passphrase });
    const notary = (...args: string[]) =>
      hallmark('notary', '-s', server.url, '--tlscacert', server.ca, '-d', owner.trustDirectory, ...args);
    const keys = expectSuccess(await notary('key', 'list'));
    expect(keys).toContain(keyId);
    expectSuccess(await notary('init', '-p', repository));
    expectSuccess(await hallmark('key', 'rotate', repository, 'targets', '--key', keyId));
    expectSuccess(await notary('key', 'rotate', repository, 'targets'));
    expect((await listed(withPin(work))).map((key) => key.keyId)).toContain(keyId);
    delete environment.HALLMARK_TOKEN;
    expect(expectSuccess(await reader.notary('list', repository))).toContain('No targets');
  });

  promise(
    'the certificate of a root key in a token is made for somebody else, and only the PIN is needed',
    async () => {
      const root = (await listed(work)).find(({ role, location }) => role === 'root' && location === 'token');
      const made = await hallmark(
        'key',
        'certificate',
        'example.com/other',
        root?.keyId ?? '',
        '--token',
        withPin(work),
      );
      expect(expectSuccess(made)).toStartWith('-----BEGIN CERTIFICATE-----\n');
    },
  );

  promise('a wrong PIN, no PIN, an absent token and a library that is none are told as what they are', async () => {
    const generate = (uri: string) => hallmark('key', 'generate', '--role', 'alice', '--token', uri);
    writeFileSync(join(owner.home, 'wrong-pin'), '00990099', { mode: 0o600 });
    const wrong = await generate(`${work}&pin-source=file:${join(owner.home, 'wrong-pin')}`);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('token "work" was given a wrong PIN') });
    expect(wrong.output).not.toContain('00990099');
    expect(await generate(work)).toMatchObject({ code: 1, stderr: expect.stringContaining('--pin-fd N') });
    expect(await generate('pkcs11:token=nowhere?module-name=softhsm2')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('token "nowhere" is not there: there is'),
    });
    expect(await generate('pkcs11:?module-name=softhsm2')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('add serial='),
    });
    expect(await generate(`pkcs11:token=work?module-path=${pinFile}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot load the token library'),
    });
    expect(await generate('pkcs11:token=work?module-name=no-such-library')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no token library no-such-library is installed'),
    });
  });

  promise('three wrong PINs end with 1', async () => {
    const session = onTerminal('key', 'generate', '--role', 'alice', '--token', work);
    for (let attempt = 0; attempt < 3; attempt++) {
      await session.expect(/Enter PIN of token "work": $/);
      await session.sendSecret('00990099');
    }
    await session.expect(/was given a wrong PIN/);
    expect(await session.exit()).toBe(1);
  });

  promise('a backup says which keys it cannot hold', async () => {
    const file = join(owner.home, 'keys.backup');
    environment.HALLMARK_BACKUP_PASSPHRASE = 'backup passphrase of a test';
    const backup = await hallmark('key', 'backup', file, '--token', work);
    expect(backup.code).toBe(0);
    for (const { keyId, location } of await listed(work))
      expect(backup.stderr.includes(`key ${keyId} lies in`)).toBe(location === 'token');
  });

  promise('S6 no output of any command holds a PIN', async () => {
    expect(outputs.length).toBeGreaterThan(10);
    expect(outputs.join('\n')).not.toMatch(new RegExp(`${WORK_PIN}|${HOME_PIN}|00990099`));
  });
});
