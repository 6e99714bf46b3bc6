// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { fingerprint } from '../../../../test/support/command-line.ts';
import { KeyHome, NEW_PASSPHRASE, WRONG_PASSPHRASE } from '../../../../test/support/key-home.ts';

let home: KeyHome;
beforeEach(() => {
  home = new KeyHome();
});
afterEach(() => {
  home.expectNothingSecretShown();
  home.close();
});

describe('key backup and restore', () => {
  test('by passphrase: from one machine to an empty one', async () => {
    const keyIds = [await home.generate(), await home.generate('--role', 'alice')].sort();
    const path = home.path('keys.backup');
    const page = home.path('page.txt');

    const backup = await home.json('backup', path, '--page', page);
    const restored = await home.runWith({ DOCKER_CONFIG: home.path('other') }, 'restore', path, '--json');

    expect(backup.keys.map(({ keyId }: { keyId: string }) => keyId).sort()).toEqual(keyIds);
    expect(
      JSON.parse(restored.stdout)
        .restored.map(({ keyId }: { keyId: string }) => keyId)
        .sort(),
    ).toEqual(keyIds);
    expect(fingerprint(home.path('other/trust'))).toEqual(fingerprint(home.trust));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const text = readFileSync(page, 'utf8');
    for (const told of [...keyIds, backup.sha256, '2026-11-22 14:28 UTC', 'hallmark key restore keys.backup'])
      expect(text).toContain(told);
  });

  test('by shares: two of the three files restore it, one does not', async () => {
    const keyId = await home.generate();
    const path = home.path('keys.backup');
    const { shares, needed } = await home.json('backup', path, '--shares', '3', '--needed', '2');
    const files = shares.map((share: string, index: number) => home.file(`share-${index}.txt`, share));
    const other = { DOCKER_CONFIG: home.path('other') };

    const few = await home.runWith(other, 'restore', path, '--share', files[0]);
    const none = await home.runWith(other, 'restore', path);
    const enough = await home.runWith(other, 'restore', path, '--share', files[2], '--share', shares[0]);

    expect([shares.length, needed]).toEqual([3, 2]);
    expect(few).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('2 different shares are needed, and 1 are given'),
    });
    expect(none).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--share FILE') });
    expect(enough).toMatchObject({ exitCode: 0, stdout: `Restored root key ${keyId}\n` });
  });

  test('the printed page has one share on each sheet, and nobody sees them elsewhere', async () => {
    const keyId = await home.generate();
    const [html, text] = [home.path('page.html'), home.path('page.txt')];

    const first = await home.run('backup', home.path('one.backup'), '--shares', '3', '--needed', '2', '--page', html);
    await home.run('backup', home.path('two.backup'), '--shares', '3', '--needed', '2', '--page', text);

    const sheets = readFileSync(text, 'utf8').split('\f');
    expect(sheets).toHaveLength(3);
    for (const [index, sheet] of sheets.entries()) {
      expect(sheet).toStartWith(`Backup of signing keys: share ${index + 1} of 3\n`);
      expect(sheet.match(/^ {4}HM1$/gm)).toHaveLength(1);
      expect(sheet).toContain(`root key ${keyId}`);
    }
    expect(readFileSync(html, 'utf8').match(/<section>/g)).toHaveLength(3);
    expect(`${first.stdout}${first.stderr}`).not.toContain('HM1');
    expect([html, text].map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600]);
    const other = { DOCKER_CONFIG: home.path('other') };
    expect((await home.runWith(other, 'restore', home.path('one.backup'), '--share', html)).exitCode).toBe(0);
    const sheet = home.file('typed', sheets[1] ?? '');
    const last = home.file('typed-too', (sheets[2] ?? '').toLowerCase());
    const restored = await home.runWith(other, 'restore', home.path('two.backup'), '--share', sheet, '--share', last);
    expect(restored).toMatchObject({ exitCode: 0, stdout: `Already there: root key ${keyId}\n` });
  });

  test('a wrong passphrase is exit code 1, and nothing is there afterwards', async () => {
    await home.generate();
    const path = home.path('keys.backup');
    await home.run('backup', path);
    const other = home.path('other');

    const wrong = await home.runWith(
      { DOCKER_CONFIG: other, HALLMARK_BACKUP_PASSPHRASE: WRONG_PASSPHRASE },
      'restore',
      path,
    );

    expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('wrong passphrase for the backup') });
    expect(existsSync(other)).toBe(false);
  });

  test('the passphrase of a repository is never taken for that of the backup', async () => {
    await home.generate();

    const none = await home.runWith({ HALLMARK_BACKUP_PASSPHRASE: undefined }, 'backup', home.path('keys.backup'));

    expect(none).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('HALLMARK_BACKUP_PASSPHRASE') });
    expect(existsSync(home.path('keys.backup'))).toBe(false);
  });

  test('a backup is written over no file, and not without its page', async () => {
    await home.generate();
    const [path, page] = [home.file('keys.backup', 'an older one'), home.file('page.html', 'an older one')];

    expect((await home.run('backup', path)).exitCode).toBe(1);
    expect((await home.run('backup', home.path('new.backup'), '--page', page)).exitCode).toBe(1);
    expect((await home.run('backup', home.path('new.backup'), '--page', home.path('nowhere/page.html'))).exitCode).toBe(
      1,
    );
    expect(readFileSync(path, 'utf8')).toBe('an older one');
    expect(existsSync(home.path('new.backup'))).toBe(false);
  });

  test('shares that make no sense are refused with 2', async () => {
    await home.generate();
    for (const argv of [
      ['--shares', '3'],
      ['--needed', '2'],
      ['--shares', '3', '--needed', '1'],
      ['--shares', '2', '--needed', '3'],
      ['--shares', '100', '--needed', '3'],
      ['--shares', 'x', '--needed', 'y'],
    ])
      expect((await home.run('backup', home.path('keys.backup'), ...argv)).exitCode).toBe(2);
  });

  test('a key that differs is never overwritten', async () => {
    const keyId = await home.generate();
    const path = home.path('keys.backup');
    await home.run('backup', path);
    await home.run('passwd', keyId, '--new-passphrase-file', home.file('new', NEW_PASSPHRASE));
    const before = fingerprint(home.trust);

    const refused = await home.run('restore', path);

    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(keyId) });
    expect(fingerprint(home.trust)).toEqual(before);
  });
});
