// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import { RawSignerClient } from '../../test/support/raw-signer-client.ts';
import { SigningStage, withoutPurpose } from '../../test/support/signing-stage.ts';
import { vectorRepositories } from '../../test/support/vectors.ts';
import { decodeUtf8, encodeUtf8 } from '../encoding/index.ts';
import { GET_KEY_INFO, SIGN } from '../signing/protocol/index.ts';
import { MemoryServiceKeys } from '../signing/service-keys/index.ts';
import {
  expiryOf,
  firstSnapshot,
  type KeyId,
  keyId,
  type MetaFile,
  nextTimestamp,
  notaryV1,
  parseGun,
  ROOT,
  type RoleName,
  SNAPSHOT,
  TARGETS,
  TIMESTAMP,
  type Timestamp,
  type Version,
} from '../tuf/index.ts';
import { SignedVersions } from './signed-versions.ts';
import { DEFAULT_RULES } from './signing-rules.ts';

const DAY = 86_400_000;
const stage = new SigningStage();
const service = await stage.start();
const client = new RawSignerClient(service.port);
afterAll(async () => {
  client.close();
  await stage.close();
});

let keys: { timestamp: KeyId; snapshot: KeyId };
let guns = 0;
beforeEach(async () => {
  const gun = parseGun(`example.com/${++guns}`);
  const make = async (role: RoleName) => keyId(await stage.keys.create(gun, role, 'ed25519'));
  keys = { timestamp: await make(TIMESTAMP), snapshot: await make(SNAPSHOT) };
});

const pin = notaryV1.pin(new Uint8Array());
const timestamp = (change: Partial<Timestamp> = {}): Timestamp => ({
  ...nextTimestamp(undefined, pin, stage.now),
  ...change,
});
const snapshot = () =>
  firstSnapshot(
    new Map<RoleName, MetaFile>([
      [ROOT, pin],
      [TARGETS, pin],
    ]),
    stage.now,
  );
const bytesOf = notaryV1.encodeSigned;

/** `signed`, or code and reason of the refusal. */
async function outcome(role: 'timestamp' | 'snapshot', content: Uint8Array): Promise<string> {
  const answer = await client.call(SIGN, { keyId: { id: keys[role] }, content });
  return 'code' in answer ? `${answer.code}: ${answer.details}` : 'signed';
}
const refused = expect.stringMatching(/^INVALID_ARGUMENT: /);
const version = (number: number) => timestamp({ version: number as Version });

describe('the signer believes no server', () => {
  test('a timestamp key signs timestamps, a snapshot key snapshots, and neither anything else', async () => {
    expect(await outcome('timestamp', bytesOf(timestamp()))).toBe('signed');
    expect(await outcome('snapshot', bytesOf(snapshot()))).toBe('signed');
    expect(await outcome('timestamp', bytesOf(snapshot()))).toEqual(refused);
    expect(await outcome('snapshot', bytesOf(timestamp()))).toEqual(refused);
    for (const bytes of ['', 'message', '{}', '{"_type":"Timestamp"}', '\u0000'].map(encodeUtf8))
      expect(await outcome('timestamp', bytes)).toEqual(refused);
    expect(await outcome('timestamp', Uint8Array.of(0xff, 0xfe))).toEqual(refused);
  });

  test('a key whose role was never noted signs what each of the two may, and nothing else', async () => {
    const old = new SigningStage(withoutPurpose(new MemoryServiceKeys()));
    const raw = new RawSignerClient((await old.start()).port);
    const id = keyId(await old.keys.create(parseGun('example.com/old'), TIMESTAMP, 'ed25519'));
    const sign = (content: Uint8Array) => raw.call(SIGN, { keyId: { id }, content });

    for (const content of [bytesOf(timestamp()), bytesOf(snapshot())])
      expect(await sign(content)).toMatchObject({ algorithm: { algorithm: 'eddsa' } });
    const others = ['message', '{"_type":"Snapshot",', '{"_type":"Targets","version":1}'].map(encodeUtf8);
    for (const content of [bytesOf(version(2 ** 31)), ...others])
      expect(await sign(content)).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await raw.call(GET_KEY_INFO, { id })).toMatchObject({ role: '', gun: '' });
    raw.close();
    await old.close();
  });

  test('no key here signs what publishers sign: every root and targets file of the recorded repositories', async () => {
    const payloads = vectorRepositories()
      .flatMap(({ files }) => files)
      .filter(({ role }) => role !== SNAPSHOT && role !== TIMESTAMP && role.split('/').length < 3)
      .filter(({ bytes }) => bytes.length < 100_000)
      .map(({ role, bytes }) => notaryV1.decode(role === ROOT ? 'root' : 'targets', bytes).signedBytes);
    expect(payloads.length).toBeGreaterThan(20);
    for (const payload of payloads)
      for (const role of ['timestamp', 'snapshot'] as const) expect(await outcome(role, payload)).toEqual(refused);
  });

  test('what the original server had signed is signed: every recorded timestamp and snapshot', async () => {
    const files = vectorRepositories().flatMap((repository) =>
      repository.files
        .filter(({ role }) => role === SNAPSHOT || role === TIMESTAMP)
        .map((file) => ({ ...file, gun: repository.gun })),
    );
    const own = new SigningStage();
    own.now = new Date('2026-11-22T14:28:03Z');
    const raw = new RawSignerClient((await own.start()).port);
    for (const { role, bytes, gun } of files) {
      const kind = role === SNAPSHOT ? 'snapshot' : 'timestamp';
      const id = keyId(await own.keys.create(parseGun(`${gun}/${++guns}`), role, 'ed25519'));
      const content = notaryV1.decode(kind, bytes).signedBytes;
      expect(await raw.call(SIGN, { keyId: { id }, content })).toMatchObject({ algorithm: { algorithm: 'eddsa' } });
    }
    expect(files.length).toBeGreaterThan(50);
    raw.close();
    await own.close();
  });

  test('S10 other spellings and unknown fields are refused', async () => {
    const text = decodeUtf8(bytesOf(timestamp()));
    const others = [
      ` ${text}`,
      `${text}\n`,
      text.replace('"meta":', '"meta": '),
      text.replace('"version":1', '"version":01'),
      text.replace('"version":1', '"version":1,"x":2'),
      text.replace('"version":1', '"version":1,"version":1'),
      text.replace('snapshot', '\\u0073napshot'),
      text.replace('Z"', '.000Z"'),
      text.replace('"length":0', '"custom":null,"length":0'),
      `${text}${text}`,
      `${text},"signatures":[]`,
    ];
    for (const other of others)
      expect([other, await outcome('timestamp', encodeUtf8(other))]).toEqual([other, refused]);
  });

  test('S10 an escape that a file may have and signed bytes may not is refused', async () => {
    const withCustom = (spelled: string) =>
      encodeUtf8(decodeUtf8(bytesOf(snapshot())).replace('"hashes"', `"custom":"${spelled}","hashes"`));
    expect(await outcome('snapshot', withCustom('<'))).toBe('signed');
    expect(await outcome('snapshot', withCustom('\\u003c'))).toEqual(refused);
  });

  test('S2 S26 an expiry in the past, now, or beyond the maximum of the role is refused', async () => {
    const expiring = (ms: number) => bytesOf(timestamp({ expires: new Date(stage.now.getTime() + ms) }));
    const late = DEFAULT_RULES.maxLifetimeDays.timestamp * DAY;
    for (const ms of [-DAY, 0, late + 1, 100 * 365 * DAY])
      expect(await outcome('timestamp', expiring(ms))).toEqual(refused);
    for (const ms of [1, late]) expect(await outcome('timestamp', expiring(ms))).toBe('signed');
    const long = { ...snapshot(), expires: new Date(expiryOf('snapshot', stage.now).getTime() + 2 * DAY) };
    expect(await outcome('snapshot', bytesOf(long))).toEqual(refused);
    const unreal = decodeUtf8(bytesOf(timestamp())).replace(/"expires":"[^"]+"/, '"expires":"9999-99-99T00:00:00Z"');
    expect(await outcome('timestamp', encodeUtf8(unreal))).toEqual(refused);
  });

  test('S3 versions below 1 and beyond what a server can keep are refused', async () => {
    for (const number of [0, -1, 2 ** 31, Number.MAX_SAFE_INTEGER])
      expect(await outcome('timestamp', bytesOf(version(number)))).toEqual(refused);
    expect(await outcome('timestamp', bytesOf(version(2 ** 31 - 1)))).toBe('signed');
  });

  test('S17 a version behind one that was signed is refused; the same again is not, since publishes are tried again', async () => {
    const numbers = [7, 8, 8, 7, 9];
    const outcomes: string[] = [];
    for (const number of numbers) outcomes.push(await outcome('timestamp', bytesOf(version(number))));
    const stale = 'FAILED_PRECONDITION: version 7 is behind version 8, which was signed already';
    expect(outcomes).toEqual(['signed', 'signed', 'signed', stale, 'signed']);
  });

  test('a repository that was deleted begins again at version 1 with the keys that it had, and the audit says so', async () => {
    for (const number of [5, 1, 2]) expect(await outcome('timestamp', bytesOf(version(number)))).toBe('signed');
    const restarts = stage.uses.filter((use) => use.keyId === keys.timestamp && use.restart === true);
    expect(restarts.map(({ phase, version: at }) => [phase, at])).toEqual([
      ['intent', 1],
      ['done', 1],
    ]);
    expect(await outcome('timestamp', bytesOf(version(4)))).toBe('signed');
  });

  test('S23 content that is larger than any server makes is refused', async () => {
    const meta = new Map(
      Array.from({ length: DEFAULT_RULES.maxListed }, (_, index) => [`targets/d${index}` as RoleName, pin]),
    );
    const large = { ...snapshot(), meta: new Map([...meta, [ROOT, pin] as const, [TARGETS, pin] as const]) };
    expect(await outcome('snapshot', bytesOf(large))).toEqual(refused);
    expect(await outcome('timestamp', new Uint8Array(64 * 1024 + 1))).toBe(
      'INVALID_ARGUMENT: content has more than 65536 bytes',
    );
  });

  test('a key of another role signs nothing, whoever put it there', async () => {
    const id = keyId(await stage.keys.create(parseGun(`example.com/${++guns}`), TARGETS, 'ed25519'));
    expect(await client.call(SIGN, { keyId: { id }, content: bytesOf(timestamp()) })).toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: 'keys of role targets sign nothing here',
    });
  });
});

describe('SignedVersions', () => {
  test('remembers so many keys, those used last', () => {
    const versions = new SignedVersions(2);
    const [one, two, three] = ['1', '2', '3'].map((digit) => digit.repeat(64) as KeyId) as [KeyId, KeyId, KeyId];
    for (const id of [one, two, one, three]) versions.note(id, 5 as Version);
    expect(() => versions.note(one, 4 as Version)).toThrow('behind version 5');
    expect(versions.note(two, 4 as Version)).toEqual({ isRestart: false });
  });
});
