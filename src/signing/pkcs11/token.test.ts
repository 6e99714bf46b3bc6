// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'bun:test';
import { FakeCryptoki, type FakeToken } from '../../../test/support/fake-cryptoki.ts';
import { memoryKeyStore } from '../../../test/support/memory-keys.ts';
import { thrownBy } from '../../../test/support/refusals.ts';
import { isSignatureValid, leafCertificate, parseGun } from '../../tuf/index.ts';
import { KeyStoreError, type Passphrases, PrivateKey, rootCertificate } from '../index.ts';
import { Mech } from './cryptoki.ts';
import type { PinRequest } from './login.ts';
import { Token } from './token.ts';
import { TokenKeyStore } from './token-key-store.ts';
import { parseTokenUri } from './token-uri.ts';

const refusal = (work: () => unknown) => thrownBy(KeyStoreError, work);

const message = new TextEncoder().encode('what is signed');
const PIN = 'right-pin';
const noPassphrases: Passphrases = {
  existing: async () => undefined,
  created: async () => 'a passphrase of a test',
};

function fake(changes: Partial<FakeToken> = {}): FakeToken {
  return { label: 'work', serial: '01', pin: PIN, triesLeft: 3, isThere: true, ...changes };
}

/** A token whose user types these PINs, one after the other. */
function opened(tokens: readonly FakeToken[], pins: readonly string[] = [PIN], uri = 'pkcs11:token=work') {
  const cryptoki = new FakeCryptoki(tokens);
  const asked: PinRequest[] = [];
  const warnings: string[] = [];
  const source = {
    pin: async (request: PinRequest) => {
      asked.push(request);
      return pins[asked.length - 1];
    },
    warn: (text: string) => void warnings.push(text),
  };
  return { cryptoki, asked, warnings, token: () => new Token(cryptoki, parseTokenUri(uri), source) };
}

describe('a token', () => {
  test('makes a key, lists it and signs with it; the PIN is asked for once', async () => {
    const { token, asked } = opened([fake()]);
    const work = token();

    const made = await work.generate('ecdsa', { role: 'targets', gun: parseGun('example.com/app') });
    const bytes = await work.sign(made, message, 'metadata');

    expect(isSignatureValid(made.key, message, { keyId: made.keyId, method: 'ecdsa', bytes })).toBe(true);
    expect(await work.keys()).toEqual([made]);
    expect(made.label).toBe('targets:example.com/app');
    expect(asked).toEqual([{ token: 'work', attempt: 0, isFinalTry: false }]);
  });

  test('the bytes to sign outlive the call: the library reads them from another thread, and holds no reference', async () => {
    const { token, cryptoki } = opened([fake()]);
    const work = token();
    const made = await work.generate('ecdsa', { role: 'root' });
    const sign = cryptoki.C_SignAsync.bind(cryptoki);
    const seen: boolean[] = [];
    cryptoki.C_SignAsync = (session, data) => {
      const [copy, held] = [Buffer.from(data), new WeakRef(data)];
      const later = async () => {
        for (let turn = 0; turn < 3; turn++) {
          await new Promise((resolve) => setImmediate(resolve));
          Bun.gc(true);
        }
        seen.push(held.deref() !== undefined);
        return sign(session, copy);
      };
      return later();
    };

    for (let index = 0; index < 2; index++) await work.sign(made, message, 'metadata');

    expect(seen).toEqual([true, true]);
  });

  test('lists keys without a PIN', async () => {
    const { token, asked } = opened([fake()], []);

    expect(await token().keys()).toEqual([]);
    expect(asked).toEqual([]);
  });

  test('takes a copy of a key, and signs as the key itself', async () => {
    const key = PrivateKey.generate();
    const work = opened([fake()]).token();

    const held = await work.import(key, { role: 'alice' });
    const bytes = await work.sign(held, message, 'metadata');

    expect(held.keyId).toBe(key.keyId);
    expect(isSignatureValid(key.key, message, { keyId: key.keyId, method: 'ecdsa', bytes })).toBe(true);
  });

  test('a URI with object names one key among several', async () => {
    const { cryptoki, token } = opened([fake()]);
    const work = token();
    for (const role of ['root', 'alice']) await work.generate('ecdsa', { role });

    const only = new Token(cryptoki, parseTokenUri('pkcs11:token=work;object=alice'), {
      pin: async () => PIN,
      warn() {},
    });

    expect((await only.keys()).map(({ label }) => label)).toEqual(['alice']);
  });

  test('a removed key is gone, and cannot be signed with', async () => {
    const work = opened([fake()]).token();
    const made = await work.generate('ecdsa', { role: 'root' });

    await work.remove(made);

    expect(await work.keys()).toEqual([]);
    expect((await refusal(() => work.sign(made, message, 'metadata'))).code).toBe('not-found');
  });

  test('an id that is taken is refused', async () => {
    const work = opened([fake()], [PIN], 'pkcs11:token=work;id=%01').token();
    await work.generate('ecdsa', { role: 'root' });

    expect((await refusal(() => work.generate('ecdsa', { role: 'root' }))).code).toBe('exists');
  });

  test('a key that asks for its PIN at each signature is given it each time', async () => {
    const { token, asked } = opened([fake({ asksEachTime: true })], [PIN, PIN, PIN]);
    const work = token();
    const made = await work.generate('ecdsa', { role: 'root' });

    await work.sign(made, message, 'metadata');
    await work.sign(made, message, 'metadata');

    expect(asked).toHaveLength(3);
  });
});

describe('a token on bad days', () => {
  test('absent: the error names those that are there', async () => {
    const { token } = opened([fake({ label: 'home', serial: '02' })]);

    const error = await refusal(token);

    expect(error.code).toBe('token-absent');
    expect(error.message).toBe('token "work" is not there: there is "home" (serial 02)');
    expect(error.remedy).toContain('insert it');
  });

  test('two of one name: the serial decides', async () => {
    const twins = [fake({ serial: '01' }), fake({ serial: '02' })];

    expect((await refusal(opened(twins).token)).code).toBe('token-ambiguous');
    expect(opened(twins, [], 'pkcs11:token=work;serial=02').token().serial).toBe('02');
    expect(opened(twins, [], 'pkcs11:slot-id=1').token().serial).toBe('02');
  });

  test('taken out while it is used', async () => {
    const one = fake();
    const work = opened([one]).token();
    const made = await work.generate('ecdsa', { role: 'root' });
    one.isThere = false;

    expect((await refusal(() => work.sign(made, message, 'metadata'))).code).toBe('token-absent');
  });

  test('a wrong PIN is asked for again, and a right one goes on', async () => {
    const { token, asked } = opened([fake()], ['wrong', PIN]);

    await token().generate('ecdsa', { role: 'root' });

    expect(asked.map(({ attempt }) => attempt)).toEqual([0, 1]);
  });

  test('a wrong PIN that leaves one try ends the command: the last try is never taken unasked', async () => {
    const { token, cryptoki } = opened([fake()], ['wrong-1', 'wrong-2', 'wrong-3']);

    const error = await refusal(() => token().generate('ecdsa', { role: 'root' }));

    expect(error.code).toBe('wrong-pin');
    expect(error.message).toBe('token "work" was given a wrong PIN: one try is left before it locks');
    expect(cryptoki.pins).toEqual(['wrong-1', 'wrong-2']);
  });

  test('the last try is announced to who is asked, and locks the token when it is wrong', async () => {
    const { token, asked } = opened([fake({ triesLeft: 1 })], ['wrong', PIN]);

    const error = await refusal(() => token().generate('ecdsa', { role: 'root' }));

    expect(asked).toEqual([{ token: 'work', attempt: 0, isFinalTry: true }]);
    expect(error.code).toBe('pin-locked');
    expect(error.remedy).toContain('PUK');
  });

  test('a locked token asks for no PIN', async () => {
    const { token, asked } = opened([fake({ triesLeft: 0 })]);

    expect((await refusal(() => token().generate('ecdsa', { role: 'root' }))).code).toBe('pin-locked');
    expect(asked).toEqual([]);
  });

  test('no PIN, and an empty one, cost no try', async () => {
    for (const pins of [[], ['']]) {
      const { token, cryptoki } = opened([fake()], pins);

      expect((await refusal(() => token().generate('ecdsa', { role: 'root' }))).code).toBe('no-pin');
      expect(cryptoki.pins).toEqual([]);
    }
  });

  test('S6 a PIN that its maker set is warned of, without being told', async () => {
    const { token, warnings } = opened([fake({ pin: '123456' })], ['123456']);

    await token().generate('ecdsa', { role: 'root' });

    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('change it');
    expect(warnings[0]).not.toContain('123456');
  });

  test('no error of a wrong PIN tells the PIN', async () => {
    const { token } = opened([fake()], ['secret-pin-1', 'secret-pin-2']);

    const error = await refusal(() => token().generate('ecdsa', { role: 'root' }));

    expect(`${error.message} ${error.remedy} ${error.stack} ${JSON.stringify(error)}`).not.toContain('secret-pin');
  });

  test('a signature that does not verify never leaves', async () => {
    const one = fake();
    const work = opened([one]).token();
    const made = await work.generate('ecdsa', { role: 'root' });
    one.isFaulty = true;

    const error = await refusal(() => work.sign(made, message, 'metadata'));

    expect(error.code).toBe('token-failed');
    expect(error.message).toContain(made.keyId);
  });

  test('a token with the public half alone cannot sign', async () => {
    const { cryptoki, token } = opened([fake()]);
    const work = token();
    const made = await work.generate('ecdsa', { role: 'root' });
    cryptoki.forgetPrivateKeys();

    expect((await refusal(() => work.sign(made, message, 'metadata'))).code).toBe('not-found');
  });

  test('a token that cannot make a kind of key says so before it asks for a PIN', async () => {
    const { token, asked } = opened([fake({ mechanisms: [Mech.ecKeyPair, Mech.ecdsa] })]);

    expect((await refusal(() => token().generate('rsa', { role: 'root' }))).message).toContain('cannot make rsa keys');
    expect((await refusal(() => token().generate('ed25519', { role: 'x' }))).code).toBe('unsupported');
    expect(asked).toEqual([]);
  });
});

describe('a store with tokens', () => {
  async function stocked() {
    const { token } = opened([fake()]);
    const work = token();
    const held = await work.generate('ecdsa', { role: 'root' });
    const files = memoryKeyStore();
    const file = PrivateKey.generate();
    await files.add(file, { role: 'alice' }, 'a passphrase of a test');
    return { work, held, files, file, store: new TokenKeyStore(files, [async () => work]) };
  }

  test('lists and opens the keys of both', async () => {
    const { store, held, file } = await stocked();

    const { keys } = await store.list();
    const signer = await store.get(held.keyId, noPassphrases);
    const bytes = await signer.sign(message);

    expect(new Map(keys.map(({ keyId, role }) => [keyId, role]))).toEqual(
      new Map([
        [held.keyId, 'root'],
        [file.keyId, 'alice'],
      ]),
    );
    expect(keys.find(({ keyId }) => keyId === held.keyId)?.path).toBe('pkcs11:token=work;object=root');
    expect(isSignatureValid(signer.key, message, { keyId: held.keyId, method: 'ecdsa', bytes })).toBe(true);
    expect((await store.get(file.keyId, noPassphrases)).keyId).toBe(file.keyId);
  });

  test('a key in both is listed once, and the token signs', async () => {
    const { store, work, file } = await stocked();
    await work.import(file, { role: 'alice' });

    const listed = (await store.list()).keys.filter(({ keyId }) => keyId === file.keyId);

    expect(listed).toHaveLength(1);
    expect(listed[0]?.token).toBeDefined();
    expect(await store.get(file.keyId, noPassphrases)).not.toBeInstanceOf(PrivateKey);
  });

  test('property 3: a key of a token is never exported', async () => {
    const { store, held } = await stocked();

    expect((await refusal(() => store.exportKey(held.keyId))).code).toBe('unsupported');
  });

  test('a key is removed from where it lies', async () => {
    const { store, held, file } = await stocked();

    await store.remove(held.keyId);
    await store.remove(file.keyId);

    expect((await store.list()).keys).toEqual([]);
  });

  test('a token that was asked for and is absent is an error, not a store without its keys', async () => {
    const store = new TokenKeyStore(memoryKeyStore(), [async () => opened([]).token()]);

    expect((await refusal(() => store.list())).code).toBe('token-absent');
  });

  test('a root certificate is made around a key that never leaves its token', async () => {
    const { store, held } = await stocked();
    const gun = parseGun('example.com/app');

    const certificate = leafCertificate(
      await rootCertificate(await store.get(held.keyId, noPassphrases), gun, new Date()),
    );

    expect(certificate.subject).toBe(`CN=${gun}`);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
  });
});
