// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fingerprint, runCaptured } from '../../../../test/support/command-line.ts';
import { ensureOwnTls } from '../../../service/index.ts';

// where everybody may enter, which a directory for temporary files of one's own need not be
const root = mkdtempSync('/tmp/hallmark-config-commands-');
afterAll(() => rmSync(root, { recursive: true, force: true }));
const own = await ensureOwnTls(join(root, 'tls'), [], new Date());
const run = (...argv: string[]) => runCaptured(argv, {}, () => new Date());

function place(changes: Record<string, unknown> = {}) {
  const directory = mkdtempSync(join(root, 'd-'));
  writeFileSync(join(directory, 'passphrase'), 'a passphrase\n', { mode: 0o600 });
  const file = join(directory, 'server.json');
  const config = {
    server: { listen: '127.0.0.1:0', tls: { cert: own.certFile, key: own.keyFile } },
    storage: { engine: 'sqlite', file: 'server.db' },
    keys: { storage: { engine: 'sqlite', file: 'signer.db' }, passphraseFiles: { hallmark: 'passphrase' } },
    auth: { type: 'none' },
    ...changes,
  };
  writeFileSync(file, JSON.stringify(config));
  return { directory, file };
}

describe('hallmark migrate', () => {
  test('tells what is pending, does it once, and touches nothing when told to try', async () => {
    const { directory, file } = place();
    const before = fingerprint(directory);
    const dry = await run('migrate', '--config', file, '--dry-run');
    expect(dry).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('the trust server: pending 0001') });
    expect(fingerprint(directory)).toEqual(before);

    const first = await run('migrate', '--config', file);
    expect(first.stdout).toContain('the signing service: applied 0001');
    const again = await run('migrate', '--config', file, '--json');
    const { databases } = JSON.parse(again.stdout) as { databases: { steps: string[] }[] };
    expect(databases.flatMap(({ steps }) => steps)).toEqual([]);
    expect(existsSync(join(directory, 'signer.db'))).toBe(true);
  });

  test('has nothing to do where nothing is kept in a database', async () => {
    const { file } = place({ storage: { engine: 'memory' }, keys: { storage: { engine: 'memory' } } });
    expect(await run('migrate', '--config', file)).toMatchObject({
      exitCode: 0,
      stdout: 'nothing is kept in a database\n',
    });
  });
});

describe('hallmark config check', () => {
  test('finds everything in order, a line for each thing that was tried', async () => {
    const { file } = place();
    await run('migrate', '--config', file);
    const { exitCode, stdout } = await run('config', 'check', file);
    expect(exitCode).toBe(0);
    for (const check of ['configuration', 'certificate', 'database', 'key database', 'passphrases', 'authentication']) {
      expect(stdout).toMatch(new RegExp(`^ok +${check}: `, 'm'));
    }
  });

  test('changes nothing, and fails while tables are missing', async () => {
    const { directory, file } = place();
    const before = fingerprint(directory);
    const { exitCode, stdout, stderr } = await run('config', 'check', file);
    expect([exitCode, stdout]).toEqual([1, expect.stringContaining('failed   database: not up to date')]);
    expect(stderr).toContain('checks failed');
    expect(fingerprint(directory)).toEqual(before);
  });

  test('names a file that is missing once, and says why it cannot be read', async () => {
    const key = join(root, 'no.key');
    const { file } = place({
      server: { listen: ':1', tls: { cert: own.certFile, key } },
      keys: { storage: { engine: 'sqlite', file: 'k.db' }, passphraseFiles: { hallmark: 'nowhere' } },
      auth: { type: 'htpasswd', htpasswd: { file: 'no-users' } },
    });
    const { stdout } = await run('config', 'check', file);
    const lines = stdout.split('\n');

    expect(lines).toContain(`failed   certificate: cannot read TLS file: ${key}: ENOENT: no such file or directory`);
    const directory = dirname(file);
    expect(lines).toContain(`failed   passphrases: cannot read secret file (ENOENT): ${join(directory, 'nowhere')}`);
    expect(lines).toContain(
      `failed   authentication: ${join(directory, 'no-users')} cannot be read: ENOENT: no such file or directory`,
    );
  });

  test('knows the configuration of a gateway, and tries its certificate and its policy', async () => {
    const directory = mkdtempSync(join(root, 'g-'));
    const file = join(directory, 'gateway.yaml');
    const written = (policy: string) =>
      writeFileSync(
        file,
        `data: state\npolicy: ${policy}\nupstreams: { docker.io: }\ntls: { cert: ${own.certFile}, key: ${own.keyFile} }`,
      );
    writeFileSync(join(directory, 'policy.yaml'), 'version: 1\n');

    written('policy.yaml');
    const { exitCode, stdout } = await run('config', 'check', file);
    expect(exitCode).toBe(0);
    for (const line of ['configuration: of a gateway$', 'certificate: ', 'policy: '])
      expect(stdout).toMatch(new RegExp(`^ok +${line}`, 'm'));
    expect(existsSync(join(directory, 'state'))).toBe(false);
    written('other.yaml');
    const bad = await run('config', 'check', file);
    expect(bad).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/^failed +policy: .*other\.yaml: cannot be read: ENOENT$/m),
    });
    expect(await run('migrate', '--config', file)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('of a gateway'),
    });
  });

  test('S8 tells of a key that does not fit, and of files that are missing, all at once', async () => {
    const other = await ensureOwnTls(join(root, 'other'), [], new Date());
    const { file } = place({
      server: { listen: ':1', tls: { cert: own.certFile, key: other.keyFile } },
      keys: { storage: { engine: 'sqlite', file: 'k.db' }, passphraseFiles: { hallmark: 'nowhere' } },
      auth: { type: 'htpasswd', htpasswd: { file: 'no-users' } },
    });
    const { exitCode, stdout } = await run('config', 'check', '--json', file);
    const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: { check: string; result: string }[] };
    expect([exitCode, ok]).toEqual([1, false]);
    const failed = checks.filter(({ result }) => result === 'failed').map(({ check }) => check);
    expect(failed).toEqual(expect.arrayContaining(['certificate', 'passphrases', 'authentication']));
  });

  test('tells of a value that no header can have, as the start of the service does', async () => {
    const tracing = { endpoint: 'http://127.0.0.1:9/v1/traces', headerFiles: { authorization: 'token' } };
    const { directory, file } = place({ tracing });
    await run('migrate', '--config', file);
    writeFileSync(join(directory, 'token'), 'Bearer abc\nX-Other: 1\n', { mode: 0o644 });
    for (const entered of [root, directory]) chmodSync(entered, 0o755);
    const told = `no value of a header: ${join(directory, 'token')}`;

    const { exitCode, stdout } = await run('config', 'check', file);
    expect([exitCode, stdout]).toEqual([1, expect.stringContaining(`failed   tracing: ${told}`)]);
    expect(stdout).toMatch(/^warning .*token/m);
    expect(await run('server', '--config', file)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(told) });
    writeFileSync(join(directory, 'token'), 'Bearer abc\n', { mode: 0o600 });
    expect(await run('config', 'check', file)).toMatchObject({ exitCode: 0 });
  });

  test('warns of a certificate that ends within a month', async () => {
    const { file } = place();
    const at = (day: number) => () => new Date(Date.now() + day * 86_400_000);
    const line = async (day: number) =>
      (await runCaptured(['config', 'check', file], {}, at(day))).stdout.match(/^\w+ +certificate: .*$/m)?.[0];
    const ends = Math.floor(
      (Date.parse(new X509Certificate(readFileSync(own.certFile)).validTo) - Date.now()) / 86_400_000,
    );
    expect(await line(0)).toMatch(/^ok .* until \d{4}-\d\d-\d\d$/);
    expect(await line(ends - 20)).toMatch(/^warning .* until \d{4}-\d\d-\d\d: renew it$/);
    expect(await line(ends + 2)).toMatch(/^failed .*expired/);
  });

  test('S7 warns of a secret that everybody may read, and shows no secret', async () => {
    const { directory, file } = place();
    await run('migrate', '--config', file);
    chmodSync(join(directory, 'passphrase'), 0o644);
    // whoever cannot enter the directory cannot read it either
    expect((await run('config', 'check', file)).stdout).not.toContain('permissions');
    for (const entered of [root, directory]) chmodSync(entered, 0o755);
    const { exitCode, stdout, stderr } = await run('config', 'check', file);
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^warning +permissions: .*passphrase/m)]);
    expect(stdout + stderr).not.toContain(readFileSync(join(directory, 'passphrase'), 'utf8').trim());
  });

  test("a signing service's file with a mistake is judged as a signing service's", async () => {
    const { file } = place({ server: undefined, signer: { listn: '127.0.0.1:0' } });

    const { exitCode, stdout, stderr } = await run('config', 'check', file);
    expect(exitCode).toBe(1);
    expect(stdout + stderr).toContain('signer.listn: unknown key');
    expect(stdout + stderr).not.toContain(' server');
  });

  test('a file that is wrong is told with the place, and ends with 1', async () => {
    const { file } = place({ autth: {} });
    const { exitCode, stderr } = await run('config', 'check', file);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('autth: unknown key; did you mean auth?')]);
  });
});

describe('hallmark config schema', () => {
  test('prints a JSON Schema for either service in either form; there is no third service', async () => {
    for (const argv of [['server'], ['signer'], ['server', '--notary'], ['signer', '--notary']]) {
      const { exitCode, stdout } = await run('config', 'schema', ...argv);
      expect([exitCode, JSON.parse(stdout)]).toMatchObject([0, { type: 'object', additionalProperties: false }]);
    }
    expect((await run('config', 'schema', 'gateway')).exitCode).toBe(2);
  });
});

test('a service without a configuration is a usage error', async () => {
  expect((await run('server')).exitCode).toBe(2);
  expect((await run('signer')).exitCode).toBe(2);
  expect((await run('signer', 'rotate-passphrase')).exitCode).toBe(2);
});
