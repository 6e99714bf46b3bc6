// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint, type Ran } from '../../../../test/support/command-line.ts';
import { KeyHome, keyVector, keyVectors, WRONG_PASSPHRASE } from '../../../../test/support/key-home.ts';
import { decodeKeyFiles, openKeyFile } from '../../../signing/index.ts';

let home: KeyHome;
beforeEach(() => {
  home = new KeyHome();
});
afterEach(() => {
  home.expectNothingSecretShown();
  home.close();
});

describe('key import and export', () => {
  test('everything that docker, notary and openssl write is imported, and opens', async () => {
    const passphrase = 'delegation-passphrase-1';
    const seen = new Set<string>();
    for (const [index, vector] of keyVectors.entries()) {
      if (seen.has(vector.keyId)) continue;
      seen.add(vector.keyId);
      const path = home.file(`key-${index}.pem`, vector.text);
      const secret = home.file(`secret-${index}`, vector.passphrase ?? passphrase);

      const ran = await home.run('import', path, '--gun', 'example.com/app', '--passphrase-file', secret, '--json');

      expect([vector.file, ran.exitCode, ran.stderr.replace(/^Warning: .*\n/, '')]).toEqual([vector.file, 0, '']);
      expect(JSON.parse(ran.stdout).imported[0]).toMatchObject({ keyId: vector.keyId, wasPresent: false });
      const stored = readFileSync(join(home.trust, 'private', `${vector.keyId}.key`));
      const [opened] = decodeKeyFiles(stored);
      if (opened === undefined) throw new Error('nothing was stored');
      expect(opened.encrypted).toBe(true);
      expect((await openKeyFile(opened, vector.passphrase ?? passphrase)).keyId as string).toBe(vector.keyId);
    }
  });

  test('an export is imported again as it was, in one file', async () => {
    const keyIds = [
      await home.generate(),
      await home.generate('--role', 'alice'),
      await home.generate('--role', 'targets', '--gun', 'a/b'),
    ];
    const path = home.path('all.pem');
    expect(await home.run('export', '-o', path)).toMatchObject({ exitCode: 0, stdout: `Exported 3 keys to ${path}\n` });
    const other = home.path('other');

    const ran = await home.runWith({ DOCKER_CONFIG: other }, 'import', path);

    expect(ran.exitCode).toBe(0);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8').match(/^path: [0-9a-f]{64}$/gm)).toHaveLength(3);
    for (const keyId of keyIds)
      expect(readFileSync(join(other, 'trust/private', `${keyId}.key`), 'utf8')).toBe(
        readFileSync(join(home.trust, 'private', `${keyId}.key`), 'utf8'),
      );
  });

  test('keys are exported by ID, by a beginning of it, and by repository', async () => {
    const [root, targets] = [await home.generate(), await home.generate('--role', 'targets', '--gun', 'a/b')];
    const paths = (ran: Ran) => [...ran.stdout.matchAll(/^path: ([0-9a-f]{64})$/gm)].map(([, id]) => id);

    expect(paths(await home.run('export', root.slice(0, 7)))).toEqual([root]);
    expect(paths(await home.run('export', '--gun', 'a/b'))).toEqual([targets]);
    expect(await home.run('export', 'f'.repeat(64))).toMatchObject({ exitCode: 1 });
    expect(await home.run('export', 'nonsense')).toMatchObject({ exitCode: 2 });
    expect(await home.run('export', root, '--gun', 'a/b')).toMatchObject({ exitCode: 2 });
  });

  test('S7 a private key file that others may read is refused with the chmod that mends it', async () => {
    const path = home.file('open.pem', keyVector('source/ec-p256-sec1.pem').text);
    chmodSync(path, 0o640);

    const refused = await home.run('import', path);
    chmodSync(path, 0o600);

    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(`hint: chmod 600 '${path}'\n`);
    expect(existsSync(join(home.trust, 'private'))).toBe(false);
    expect((await home.run('import', path)).exitCode).toBe(0);
  });

  test('a file that only claims to be a stored key never takes its place', async () => {
    const keyId = await home.generate();
    const forged = keyVector('docker/').text;
    const path = home.file(
      'forged.pem',
      forged.replace('role: targets', `path: ${keyId}\nrole: root`).replace(/gun: .*\n/, ''),
    );
    const before = fingerprint(home.trust);

    const refused = await home.run('import', path);

    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`key ${keyId} is stored already`) });
    expect(fingerprint(home.trust)).toEqual(before);
  });

  test('an import of the same key changes nothing and says so', async () => {
    const keyId = await home.generate();
    const path = home.path('root.pem');
    await home.run('export', keyId, '-o', path);
    const before = fingerprint(home.trust);

    expect(await home.run('import', path)).toMatchObject({ exitCode: 0, stdout: `Already there: root key ${keyId}\n` });
    expect(fingerprint(home.trust)).toEqual(before);
  });

  test('a wrong passphrase, a public key and a targets key of no repository are told as what they are', async () => {
    const encrypted = home.file('genout.pem', keyVector('source/genout-key.pem').text);
    const wrong = await home.run('import', encrypted, '--passphrase-file', home.file('wrong', WRONG_PASSPHRASE));
    const missing = await home.run('import', home.path('missing.pem'));
    await home.generate('--role', 'alice', '--output', home.path('alice.pub'));
    const publicKey = await home.run('import', home.path('alice.pub'));
    const homeless = await home.run('import', encrypted, '--role', 'targets');

    expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`wrong passphrase for ${encrypted}`) });
    expect(missing).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('there is no regular file') });
    expect(publicKey).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('not a private key file') });
    expect(homeless).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('name it with --gun') });
  });
});
