// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { MemoryKeyFiles } from '../../test/support/memory-keys.ts';
import type { KeyId } from '../tuf/index.ts';
import { environmentPassphrases, KeyStoreError, keyAlias, PrivateKey, passphraseProblem } from './index.ts';
import { codeOf, ScriptedPassphrases } from './key-store.contract.ts';
import { FileKeyStore } from './key-store.ts';

const keyId = '0'.repeat(64) as KeyId;
const request = (role: string) => ({ alias: keyAlias(role), role, keyId });

const docker = {
  DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE: 'docker root',
  DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE: 'docker repository',
};
const notary = {
  NOTARY_ROOT_PASSPHRASE: 'notary root',
  NOTARY_TARGETS_PASSPHRASE: 'notary targets',
  NOTARY_SNAPSHOT_PASSPHRASE: 'notary snapshot',
  NOTARY_DELEGATION_PASSPHRASE: 'notary delegation',
};
const roles = ['root', 'targets', 'snapshot', 'alice', 'targets/releases'];

async function answers(env: Record<string, string>, attempt = 0): Promise<(string | undefined)[]> {
  const passphrases = environmentPassphrases(env);
  return Promise.all(roles.map((role) => passphrases.existing({ ...request(role), attempt })));
}

describe('environmentPassphrases', () => {
  test("Docker's variables: one for root, one for everything else", async () => {
    const [root, ...others] = await answers(docker);

    expect(root).toBe('docker root');
    expect(others).toEqual(others.map(() => 'docker repository'));
  });

  test("Notary's variables: one for each kind of key", async () => {
    expect(await answers(notary)).toEqual([
      'notary root',
      'notary targets',
      'notary snapshot',
      'notary delegation',
      'notary delegation',
    ]);
  });

  test('where both are set the second is tried after the first, and then there is none', async () => {
    expect((await answers({ ...docker, ...notary }, 0))[1]).toBe('docker repository');
    expect((await answers({ ...docker, ...notary }, 1))[1]).toBe('notary targets');
    expect((await answers({ ...docker, ...notary }, 2))[1]).toBeUndefined();
  });

  test('an empty variable counts as none, and then somebody else is asked', async () => {
    const fallback = new ScriptedPassphrases('typed');
    const passphrases = environmentPassphrases({ DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE: '' }, fallback);

    expect(await passphrases.existing({ ...request('root'), attempt: 0 })).toBe('typed');
    expect(fallback.asked).toHaveLength(1);
  });

  test('a wrong one fails at once: nobody is asked', async () => {
    const files = new MemoryKeyFiles();
    const key = PrivateKey.generate('ed25519');
    await new FileKeyStore(files).add(key, { role: 'root' }, 'passphrase');
    const fallback = new ScriptedPassphrases('passphrase');
    const passphrases = environmentPassphrases(docker, fallback);

    expect(await codeOf(new FileKeyStore(files).get(key.keyId, passphrases))).toBe('wrong-passphrase');
    expect(fallback.asked).toEqual([]);
  });

  test('a new key takes its passphrase from the same place, or fails with the variable to set', async () => {
    expect(await environmentPassphrases(docker).created(request('targets'))).toBe('docker repository');

    const error = await environmentPassphrases({})
      .created(request('targets'))
      .catch((caught) => caught);
    expect(error).toBeInstanceOf(KeyStoreError);
    expect(error.code).toBe('no-passphrase');
    expect(error.message).toContain('DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE');
  });
});

describe('passphrases', () => {
  test("aliases are Docker's", () => {
    expect(roles.map(keyAlias)).toEqual(['root', 'repository', 'repository', 'alice', 'targets/releases']);
  });

  test('a new passphrase needs 8 bytes beside white space around it', () => {
    expect(passphraseProblem('12345678')).toBeUndefined();
    expect(passphraseProblem('  1234567  ')).toStartWith('Passphrase is too short. Please use a password manager');
    expect(passphraseProblem('äöüß')).toBeUndefined();
  });
});
