// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { type KeyId, parseGun } from '../tuf/index.ts';
import {
  decodeKeyFile,
  encodeKeyFile,
  KeyStoreError,
  type KeyStoreErrorCode,
  type PassphraseRequest,
  type Passphrases,
  PrivateKey,
  type PrivateKeyStore,
} from './index.ts';

const gun = parseGun('docker.io/library/alpine');
const nobody = '0'.repeat(64) as KeyId;

/** Answers from a list and remembers what it was asked. */
export class ScriptedPassphrases implements Passphrases {
  readonly asked: (PassphraseRequest & { readonly attempt: number })[] = [];
  readonly #answers: (string | undefined)[];

  constructor(...answers: (string | undefined)[]) {
    this.#answers = answers;
  }

  async existing(request: PassphraseRequest & { readonly attempt: number }): Promise<string | undefined> {
    this.asked.push(request);
    return this.#answers.shift();
  }

  async created(): Promise<string> {
    throw new Error('no key is made here');
  }
}

export async function codeOf(work: Promise<unknown>): Promise<KeyStoreErrorCode | 'none'> {
  try {
    await work;
  } catch (error) {
    if (error instanceof KeyStoreError) return error.code;
    throw error;
  }
  return 'none';
}

/** What every KeyStore promises. `open` gives a new process on the same keys each time it is called. */
export function describeKeyStore(name: string, fresh: () => { readonly open: () => PrivateKeyStore }): void {
  describe(`key store (${name})`, () => {
    test('an empty store has no keys', async () => {
      const store = fresh().open();

      expect(await store.list()).toEqual({ keys: [], problems: [] });
      expect(await codeOf(store.get(nobody, new ScriptedPassphrases()))).toBe('not-found');
      expect(await codeOf(store.exportKey(nobody))).toBe('not-found');
      expect(await codeOf(store.remove(nobody))).toBe('none');
    });

    test('a key that was added is listed without its passphrase, and opens with it in another process', async () => {
      const { open } = fresh();
      const key = PrivateKey.generate();
      await open().add(key, { role: 'targets', gun }, 'passphrase');

      const store = open();
      const { keys } = await store.list();
      const again = await store.get(key.keyId, new ScriptedPassphrases('passphrase'));

      expect(keys).toEqual([{ keyId: key.keyId, role: 'targets', gun, encrypted: true, path: expect.any(String) }]);
      expect(again.encode()).toEqual(key.encode());
    });

    test('whoever made a key is not asked for its passphrase', async () => {
      const store = fresh().open();
      const key = PrivateKey.generate();
      await store.add(key, { role: 'root' }, 'passphrase');
      const passphrases = new ScriptedPassphrases();

      expect((await store.get(key.keyId, passphrases)).keyId).toBe(key.keyId);
      expect(passphrases.asked).toEqual([]);
    });

    test('keys of one alias share one prompt, even when asked for at once', async () => {
      const { open } = fresh();
      const [targets, snapshot, root] = [PrivateKey.generate(), PrivateKey.generate(), PrivateKey.generate()];
      await open().add(targets, { role: 'targets', gun }, 'repository-passphrase');
      await open().add(snapshot, { role: 'snapshot', gun }, 'repository-passphrase');
      await open().add(root, { role: 'root' }, 'root-passphrase');

      const store = open();
      const passphrases = new ScriptedPassphrases('repository-passphrase', 'root-passphrase');
      await Promise.all([targets, snapshot, root].map((key) => store.get(key.keyId, passphrases)));

      expect(passphrases.asked).toEqual([
        { alias: 'repository', role: 'targets', keyId: targets.keyId, attempt: 0 },
        { alias: 'root', role: 'root', keyId: root.keyId, attempt: 0 },
      ]);
    });

    test('a known passphrase that does not fit costs no attempt', async () => {
      const { open } = fresh();
      const [one, two] = [PrivateKey.generate(), PrivateKey.generate()];
      await open().add(one, { role: 'targets', gun }, 'passphrase one');
      await open().add(two, { role: 'targets', gun }, 'passphrase two');

      const store = open();
      await store.get(one.keyId, new ScriptedPassphrases('passphrase one'));
      const passphrases = new ScriptedPassphrases('wrong', 'wrong again', 'passphrase two');

      expect((await store.get(two.keyId, passphrases)).keyId).toBe(two.keyId);
      expect(passphrases.asked.map((request) => request.attempt)).toEqual([0, 1, 2]);
    });

    test('a wrong passphrase is asked for three times, then it is an error without the passphrase in it', async () => {
      const { open } = fresh();
      const key = PrivateKey.generate();
      await open().add(key, { role: 'alice' }, 'passphrase');
      const passphrases = new ScriptedPassphrases('secret-1', 'secret-2', 'secret-3', 'passphrase');

      const store = open();
      const error = await store.get(key.keyId, passphrases).catch((caught) => caught);

      expect(error).toBeInstanceOf(KeyStoreError);
      expect([error.code, error.keyId]).toEqual(['wrong-passphrase', key.keyId]);
      expect(error.message).not.toContain('secret');
      expect(passphrases.asked.map((request) => request.attempt)).toEqual([0, 1, 2]);
      expect((await store.get(key.keyId, new ScriptedPassphrases('passphrase'))).keyId).toBe(key.keyId);
    });

    test('nobody to ask is another error than a wrong answer', async () => {
      const { open } = fresh();
      const key = PrivateKey.generate();
      await open().add(key, { role: 'alice' }, 'passphrase');

      expect(await codeOf(open().get(key.keyId, new ScriptedPassphrases()))).toBe('no-passphrase');
      expect(await codeOf(open().get(key.keyId, new ScriptedPassphrases('wrong')))).toBe('wrong-passphrase');
    });

    test('an empty passphrase is refused and nothing is stored', async () => {
      const store = fresh().open();

      expect(await codeOf(store.add(PrivateKey.generate(), { role: 'root' }, ''))).toBe('passphrase-needed');
      expect((await store.list()).keys).toEqual([]);
    });

    test('adding a key again replaces its role and passphrase', async () => {
      const { open } = fresh();
      const key = PrivateKey.generate();
      await open().add(key, { role: 'alice' }, 'old passphrase');
      await open().add(key, { role: 'bob' }, 'new passphrase');

      const store = open();

      expect((await store.list()).keys.map(({ role }) => role)).toEqual(['bob']);
      expect(await codeOf(store.get(key.keyId, new ScriptedPassphrases('old passphrase')))).toBe('wrong-passphrase');
      expect((await store.get(key.keyId, new ScriptedPassphrases('new passphrase'))).keyId).toBe(key.keyId);
    });

    test('a removed key is gone, also for whoever had it open', async () => {
      const { open } = fresh();
      const key = PrivateKey.generate();
      const other = open();
      await other.add(key, { role: 'root' }, 'passphrase');

      await open().remove(key.keyId);

      expect(await codeOf(other.get(key.keyId, new ScriptedPassphrases('passphrase')))).toBe('not-found');
      expect((await other.list()).keys).toEqual([]);
    });

    test('an exported key is still encrypted, says where it was, and can be imported elsewhere', async () => {
      const source = fresh().open();
      const target = fresh().open();
      const key = PrivateKey.generate();
      await source.add(key, { role: 'targets', gun }, 'passphrase');

      const exported = decodeKeyFile(encodeKeyFile(await source.exportKey(key.keyId)));
      await target.importKey(key.keyId, exported);

      expect([exported.path, exported.encrypted]).toEqual([key.keyId, true]);
      expect((await target.exportKey(key.keyId)).block).toEqual(exported.block);
      expect((await target.get(key.keyId, new ScriptedPassphrases('passphrase'))).keyId).toBe(key.keyId);
    });

    test('a key under the ID of another is refused when it is opened', async () => {
      const store = fresh().open();
      const key = PrivateKey.generate();
      await store.add(key, { role: 'alice' }, 'passphrase');
      await store.importKey(nobody, await store.exportKey(key.keyId));

      expect(await codeOf(store.get(nobody, new ScriptedPassphrases('passphrase')))).toBe('key-mismatch');
    });
  });
}
