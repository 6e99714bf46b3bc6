// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint } from '../../../../test/support/command-line.ts';
import { KeyHome, NEW_PASSPHRASE, ROOT_PASSPHRASE, WRONG_PASSPHRASE } from '../../../../test/support/key-home.ts';
import { encodePem } from '../../../encoding/index.ts';
import { decodeKeyFiles, openKeyFile, openKeyStore, PrivateKey } from '../../../signing/index.ts';

let home: KeyHome;
beforeEach(() => {
  home = new KeyHome();
});
afterEach(() => {
  home.expectNothingSecretShown();
  home.close();
});

describe('key generate and list', () => {
  test('makes a root key unless told otherwise, and lists it', async () => {
    const made = await home.run('generate');
    const listed = await home.run('list');

    const [, keyId = ''] = /^Generated ecdsa root key with ID ([0-9a-f]{64})\n$/.exec(made.stdout) ?? [];
    expect(made.stderr).toStartWith('You are about to create a new root signing key passphrase.');
    expect(listed.stdout.split('\n')[0]).toMatch(/^ROLE +GUN +KEY ID +LOCATION$/);
    expect(listed.stdout).toContain(`${keyId}   ${join(home.trust, 'private', `${keyId}.key`)}\n`);
    expect(statSync(join(home.trust, 'private', `${keyId}.key`)).mode & 0o777).toBe(0o600);
  });

  test('keys of every algorithm for signers, and targets keys for a repository', async () => {
    await home.generate('--role', 'alice', '--algorithm', 'ed25519');
    await home.generate('--role', 'bob', '--algorithm', 'rsa');
    await home.generate('--role', 'targets', '--gun', 'example.com/app');

    const { keys, problems } = await home.json('list');

    expect(problems).toEqual([]);
    expect(keys.map(({ role, gun, location }: Record<string, unknown>) => [role, gun, location])).toEqual([
      ['alice', null, 'file'],
      ['bob', null, 'file'],
      ['targets', 'example.com/app', 'file'],
    ]);
  });

  test('writes the public key as docker and notary do, and never over a file', async () => {
    const path = home.path('alice.pub');
    await home.generate('--role', 'alice', '--output', path);

    const again = await home.run('generate', '--role', 'bob', '--output', path);

    expect(readFileSync(path, 'utf8')).toMatch(
      /^-----BEGIN PUBLIC KEY-----\nrole: alice\n\n[\s\S]+-----END PUBLIC KEY-----\n$/,
    );
    expect(again).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`${path} is there already`) });
  });

  test('what cannot be used is refused with 2 and leaves no key', async () => {
    for (const argv of [
      ['--algorithm', 'ed25519'],
      ['--algorithm', 'dsa', '--role', 'alice'],
      ['--role', 'targets'],
      ['--role', 'timestamp'],
      ['--role', 'root', '--gun', 'example.com/app'],
      ['--role', 'a\nb'],
      ['--role', 'targets', '--gun', '../evil'],
    ])
      expect((await home.run('generate', ...argv)).exitCode).toBe(2);
    expect(existsSync(join(home.trust, 'private'))).toBe(false);
  });

  test('a passphrase of seven characters is refused wherever it comes from', async () => {
    const weak = await home.runWith({ DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE: 'short77' }, 'generate');
    const file7 = await home.run('generate', '--passphrase-file', `root=${home.file('weak', 'short77\n')}`);

    for (const ran of [weak, file7])
      expect(ran).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('it needs 8 characters at least') });
  });

  test('S7 a key file that others may read is reported with its mend, and does not hide the others', async () => {
    const open = await home.generate();
    const closed = await home.generate('--role', 'alice');
    const path = join(home.trust, 'private', `${open}.key`);
    chmodSync(path, 0o644);

    const { keys, problems } = await home.json('list');

    expect(keys.map(({ keyId }: { keyId: string }) => keyId)).toEqual([closed]);
    expect(problems).toEqual([
      expect.objectContaining({ code: 'insecure-permissions', path, remedy: `chmod 600 '${path}'` }),
    ]);
  });
});

describe('key passwd and remove', () => {
  test('the key opens by the new passphrase, and by the old one no more', async () => {
    const keyId = await home.generate();

    const ran = await home.run('passwd', keyId, '--new-passphrase-file', home.file('new', `${NEW_PASSPHRASE}\n`));

    expect(ran).toMatchObject({ exitCode: 0, stdout: `Changed the passphrase of root key ${keyId}\n` });
    const [stored] = decodeKeyFiles(readFileSync(join(home.trust, 'private', `${keyId}.key`)));
    if (stored === undefined) throw new Error('the key is gone');
    expect((await openKeyFile(stored, NEW_PASSPHRASE)).keyId).toBe(keyId);
    await expect(openKeyFile(stored, ROOT_PASSPHRASE)).rejects.toMatchObject({ code: 'wrong-passphrase' });
  });

  test('a key that had no passphrase gets one', async () => {
    const key = PrivateKey.generate();
    mkdirSync(join(home.trust, 'private'), { recursive: true, mode: 0o700 });
    const block = { label: 'PRIVATE KEY', headers: new Map([['role', 'root']]), bytes: key.encode() };
    writeFileSync(join(home.trust, 'private', `${key.keyId}.key`), encodePem(block), { mode: 0o600 });

    const exported = await home.run('export', key.keyId);
    const ran = await home.run('passwd', key.keyId, '--new-passphrase-file', home.file('new', NEW_PASSPHRASE));

    expect(exported).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(`hint: hallmark key passwd ${key.keyId}`),
    });
    expect(ran.exitCode).toBe(0);
    expect((await openKeyStore(home.trust).list()).keys[0]?.encrypted).toBe(true);
  });

  test('a wrong old, a weak new and no new passphrase change nothing', async () => {
    const keyId = await home.generate();
    const before = fingerprint(home.trust);
    const given = ['--new-passphrase-file', home.file('new', NEW_PASSPHRASE)];

    const wrong = await home.runWith(
      { DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE: WRONG_PASSPHRASE },
      'passwd',
      keyId,
      ...given,
    );
    const weak = await home.run('passwd', keyId, '--new-passphrase-file', home.file('weak', 'short77'));
    const none = await home.run('passwd', keyId);

    expect(wrong).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(`wrong passphrase for root key ${keyId}`),
    });
    expect(weak).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('too short') });
    expect(none).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--new-passphrase-file FILE') });
    expect(fingerprint(home.trust)).toEqual(before);
  });

  test('without a terminal a key is removed with --yes alone, after telling what it signed', async () => {
    const keyId = await home.generate('--role', 'targets', '--gun', 'example.com/app');
    const before = fingerprint(home.trust);

    const refused = await home.run('remove', keyId);
    const unchanged = fingerprint(home.trust);
    const removed = await home.run('remove', keyId, '--yes');

    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('targets of example.com/app') });
    expect(unchanged).toEqual(before);
    expect(removed).toMatchObject({ exitCode: 0, stdout: `Removed targets key ${keyId} of example.com/app\n` });
    expect(readdirSync(join(home.trust, 'private'))).toEqual([]);
  });
});

describe('secrets', () => {
  test('S6 a PIN in a token URI is refused in every command, and shown by none', async () => {
    const uri = 'pkcs11:token=work?pin-value=48151623';
    for (const argv of [['list'], ['generate'], ['export'], ['remove', 'f'.repeat(64), '--yes']]) {
      const ran = await home.run(...argv, '--token', uri);
      expect([argv, ran.exitCode, ran.stderr.includes('a PIN must not stand in a token URI')]).toEqual([argv, 1, true]);
    }
    expect((await home.runWith({ HALLMARK_TOKEN: uri }, 'list')).exitCode).toBe(1);
    expect((await home.run('list', '--token', 'pkcs11:', '--pin-fd', 'my-48151623')).exitCode).toBe(2);
    expect((await home.run('list', '--pin', '48151623')).exitCode).toBe(2);
    expect(home.shown.join('\n')).not.toContain('48151623');
  });
});
