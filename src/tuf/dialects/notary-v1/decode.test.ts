// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { refused } from '../../../../test/support/refusals.ts';
import { RepositorySimulator } from '../../../../test/support/repository-simulator.ts';
import { structuredBody } from '../../../../test/support/signed-files.ts';
import { fileOf } from '../../../../test/support/stages.ts';
import { encodeCanonicalJson, encodeUtf8, JsonNumber, type JsonValue } from '../../../encoding/index.ts';
import { keyId } from '../../keys.ts';
import type { Signed } from '../../metadata.ts';
import { notaryV1 } from './index.ts';

const A = 'targets/a';
const repository = (await RepositorySimulator.create()).delegate(A).tag('v1', 'one', A).tag('v1').publish();
const KINDS: readonly Signed['type'][] = ['root', 'targets', 'snapshot', 'timestamp'];
const MALFORMED = { name: 'MetadataError', code: 'malformed' };
const text = (role: string) => new TextDecoder().decode(fileOf(repository, role));

type Path = readonly (string | number)[];

/** The body of a role's file with one value replaced, or removed by `undefined`. */
function payload(role: string, path: Path, value: JsonValue | undefined): Uint8Array {
  const body = structuredBody(fileOf(repository, role));
  let at: JsonValue = body;
  for (const step of path.slice(0, -1)) at = member(at, step);
  const last = path.at(-1) as string;
  if (Array.isArray(at)) (at as JsonValue[])[Number(last)] = value ?? null;
  else if (value === undefined) (at as Map<string, JsonValue>).delete(last);
  else (at as Map<string, JsonValue>).set(last, value);
  return encodeCanonicalJson(body);
}

function member(value: JsonValue, step: string | number): JsonValue {
  if (Array.isArray(value)) return value[Number(step)] as JsonValue;
  const map = value as ReadonlyMap<string, JsonValue>;
  return map.get(step === '*' ? ([...map.keys()][0] as string) : String(step)) as JsonValue;
}

const NOT_OBJECTS: readonly (JsonValue | undefined)[] = [undefined, 'x', 1, true, []];
const NOT_INTEGERS: readonly (JsonValue | undefined)[] = [
  undefined,
  null,
  '1',
  new JsonNumber('9007199254740993'),
  true,
  new Map(),
];
const NOT_STRINGS: readonly (JsonValue | undefined)[] = [undefined, null, 1, [], new Map()];
const NOT_ARRAYS: readonly (JsonValue | undefined)[] = [undefined, 'x', 1, new Map()];
const NOT_BASE64: readonly (JsonValue | undefined)[] = [undefined, null, 1, 'AAA', 'AA==\n', '*', 'AAB=', '-_-_'];
const NOT_TIMES: readonly (JsonValue | undefined)[] = [
  ...NOT_STRINGS,
  '',
  '2030-01-01',
  '2030-01-01 00:00:00Z',
  '2030-02-30T00:00:00Z',
];
const NOT_VERSIONS: readonly (JsonValue | undefined)[] = [...NOT_INTEGERS, 0, -1];
const NOT_DELEGATIONS: readonly (JsonValue | undefined)[] = [
  ...NOT_STRINGS,
  '',
  'targets/..',
  'targets/A',
  'targets/',
  'x',
];

/** Every field of every kind of metadata, with what must not stand there. */
const FIELDS: readonly (readonly [role: string, path: Path, bad: readonly (JsonValue | undefined)[]])[] = [
  ...KINDS.flatMap((kind): readonly (readonly [string, Path, readonly (JsonValue | undefined)[]])[] => [
    [kind, ['_type'], [...NOT_STRINGS, 'root', 'Mirrors', '']],
    [kind, ['expires'], NOT_TIMES],
    [kind, ['version'], NOT_VERSIONS],
  ]),
  ['root', ['consistent_snapshot'], [undefined, null, 0, 'false']],
  ['root', ['keys'], [...NOT_OBJECTS, null]],
  ['root', ['keys', '*'], [null, 'x', []]],
  ['root', ['keys', '*', 'keytype'], [...NOT_STRINGS, 'rsa']],
  ['root', ['keys', '*', 'keyval'], [...NOT_OBJECTS, null]],
  ['root', ['keys', '*', 'keyval', 'public'], [...NOT_BASE64, 'AAAA', '']],
  ['root', ['roles'], [...NOT_OBJECTS, null]],
  ...KINDS.map((kind) => ['root', ['roles', kind], [...NOT_OBJECTS, null]] as const),
  ['root', ['roles', 'timestamp', 'keyids'], NOT_ARRAYS],
  ['root', ['roles', 'timestamp', 'keyids', 0], [null, 1, 'x', '0'.repeat(64), 'A'.repeat(64)]],
  ['root', ['roles', 'timestamp', 'threshold'], NOT_INTEGERS],
  ['targets', ['targets'], NOT_OBJECTS],
  ['targets', ['targets', 'v1'], [null, 'x', 1, []]],
  ['targets', ['targets', 'v1', 'length'], [...NOT_INTEGERS, -1]],
  ['targets', ['targets', 'v1', 'hashes'], NOT_OBJECTS],
  ['targets', ['targets', 'v1', 'hashes', 'sha256'], ['AAAA', '', null, 1, '*']],
  ['targets', ['delegations'], [...NOT_OBJECTS, null]],
  ['targets', ['delegations', 'keys'], [...NOT_OBJECTS, null]],
  ['targets', ['delegations', 'roles'], NOT_ARRAYS],
  ['targets', ['delegations', 'roles', 0], [null, 'x', 1, []]],
  ['targets', ['delegations', 'roles', 0, 'name'], NOT_DELEGATIONS],
  ['targets', ['delegations', 'roles', 0, 'paths'], ['x', 1, new Map(), [1], [null]]],
  ['targets', ['delegations', 'roles', 0, 'keyids'], [...NOT_ARRAYS, ['0'.repeat(64)], [1]]],
  ['targets', ['delegations', 'roles', 0, 'threshold'], [...NOT_INTEGERS, 0, -1]],
  ['snapshot', ['meta'], [...NOT_OBJECTS, null]],
  ['snapshot', ['meta', 'root'], [...NOT_OBJECTS, null]],
  ['snapshot', ['meta', 'targets'], [...NOT_OBJECTS, null]],
  ['snapshot', ['meta', '../x'], [new Map()]],
  ['snapshot', ['meta', 'targets', 'length'], [...NOT_INTEGERS, -1]],
  ['snapshot', ['meta', 'targets', 'hashes'], [...NOT_OBJECTS, null, new Map()]],
  ['snapshot', ['meta', 'targets', 'hashes', 'sha256'], [undefined, null, 'AAAA', '*', 1]],
  ['snapshot', ['meta', 'targets', 'hashes', 'sha512'], [null, 'AAAA', '*', 1]],
  ['timestamp', ['meta'], [...NOT_OBJECTS, null]],
  ['timestamp', ['meta', 'snapshot'], [...NOT_OBJECTS, null]],
  ['timestamp', ['meta', 'snapshot', 'hashes'], [...NOT_OBJECTS, null]],
  ['timestamp', ['meta', 'snapshot', 'length'], [...NOT_INTEGERS, -1]],
];

describe('S22 malformed metadata is a MetadataError that says what is wrong', () => {
  for (const [role, path, values] of FIELDS) {
    test(`${role}: ${path.join('.')}`, () => {
      for (const value of values)
        refused(() => notaryV1.decodeSigned(role as Signed['type'], payload(role, path, value)), MALFORMED);
    });
  }

  test('S16 a threshold of zero, or below, in every role of a root', () => {
    for (const kind of KINDS)
      for (const threshold of [0, -1, -(2 ** 40)])
        refused(
          () => notaryV1.decodeSigned('root', payload('root', ['roles', kind, 'threshold'], threshold)),
          MALFORMED,
        );
  });
});

describe('what Go writes as null counts as empty', () => {
  test('keyids, delegation roles and targets', () => {
    const root = notaryV1.decodeSigned('root', payload('root', ['roles', 'timestamp', 'keyids'], null));
    const targets = notaryV1.decodeSigned('targets', payload('targets', ['targets'], null));
    const roles = notaryV1.decodeSigned('targets', payload('targets', ['delegations', 'roles'], null));

    expect(root.roles.get('timestamp')?.keyIds).toEqual([]);
    expect(targets.targets.size).toBe(0);
    expect(roles.delegations.roles).toEqual([]);
  });

  test('paths that are left out are no paths', () => {
    const targets = notaryV1.decodeSigned(
      'targets',
      payload('targets', ['delegations', 'roles', 0, 'paths'], undefined),
    );

    expect(targets.delegations.roles[0]?.paths).toEqual([]);
  });
});

describe('the envelope', () => {
  const decode = (file: string) => notaryV1.decode('targets', encodeUtf8(file));

  test('S10 unknown fields beside signed and signatures are refused', () => {
    for (const extra of ['"x":1,', '"Signed":{},', '"__proto__":{},', '"signed ":{},'])
      refused(() => decode(text('targets').replace('{', `{${extra}`)), MALFORMED);
  });

  test('S11 duplicate keys are refused wherever they stand', () => {
    const file = text('targets');
    for (const twice of [
      file.replace('"signed":', '"signed":{},"signed":'),
      file.replace('"signatures":', '"signatures":[],"signatures":'),
      file.replace('"version":', '"version":1,"version":'),
      file.replace('"length":', '"length":1,"length":'),
      file.replace('"version":', '"\\u0076ersion":1,"version":'),
    ])
      refused(() => decode(twice), MALFORMED);
  });

  test('S11 trailing bytes, a second document and a BOM are refused', () => {
    const file = text('targets');
    for (const odd of [`${file}{}`, `${file}x`, `${file}\0`, `\ufeff${file}`, file.slice(0, -1), '', 'null', '[]'])
      refused(() => decode(odd), MALFORMED);
  });

  test('missing or ill-typed parts are refused', () => {
    for (const file of [
      '{}',
      '{"signed":{}}',
      '{"signatures":[]}',
      '{"signed":[],"signatures":[]}',
      '{"signed":{},"signatures":{}}',
    ])
      refused(() => decode(file), MALFORMED);
  });

  test('signatures that are no signatures are refused', () => {
    const signed = /^\{"signed":(.*),"signatures":/.exec(text('targets'))?.[1];
    const id = '0'.repeat(64);
    const good = { keyid: id, method: 'ecdsa', sig: 'AAAA' };
    const file = (...signatures: readonly unknown[]) =>
      `{"signed":${signed},"signatures":${JSON.stringify(signatures)}}`;
    decode(file(good));
    for (const bad of [
      1,
      null,
      {},
      { ...good, keyid: 1 },
      { ...good, keyid: 'x' },
      { ...good, method: null },
      { ...good, sig: 'AAA' },
    ])
      refused(() => decode(file(bad)), MALFORMED);
    refused(() => decode(file(...Array(257).fill(good))), MALFORMED);
    decode(file(...Array(256).fill(good)));
  });

  test('S23 deep nesting is refused, not followed', () => {
    const deep = `{"signed":${'['.repeat(100_000)}`;

    refused(() => decode(deep), MALFORMED);
  });

  test('an ID that does not fit its key is refused', () => {
    const body = structuredBody(fileOf(repository, 'root'));
    const keys = body.get('keys') as Map<string, JsonValue>;
    const [first, second] = [...keys.keys()] as [string, string];
    const [a, b] = [keys.get(first) as JsonValue, keys.get(second) as JsonValue];
    keys.set(first, b).set(second, a);

    const error = refused(() => notaryV1.decodeSigned('root', encodeCanonicalJson(body)), MALFORMED);
    expect(error.message).toContain('does not belong to its key');
  });

  test('a key of an unknown type is kept', () => {
    const key = { type: 'ed448', bytes: new Uint8Array(57) };
    const { root } = repository;
    const decoded = notaryV1.decodeSigned(
      'root',
      notaryV1.encodeSigned({ ...root, keys: new Map([...root.keys, [keyId(key), key]]) }),
    );

    expect(decoded.keys.get(keyId(key))).toEqual(key);
  });
});
