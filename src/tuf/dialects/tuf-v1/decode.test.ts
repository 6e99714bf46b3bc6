// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { refused } from '../../../../test/support/refusals.ts';
import { NOW, RepositorySimulator } from '../../../../test/support/repository-simulator.ts';
import { resigned, signedPayload } from '../../../../test/support/signed-files.ts';
import { makeKeyFor } from '../../../../test/support/test-keys.ts';
import { decodeUtf8, encodeUtf8, type JsonValue } from '../../../encoding/index.ts';
import { kindOf } from '../../dialect.ts';
import { firstTargets, withTarget } from '../../edit.ts';
import { MetadataError } from '../../metadata-error.ts';
import { ROOT, type RoleName, SNAPSHOT, TARGETS, TIMESTAMP } from '../../names.ts';
import { countSignatures } from '../../verify.ts';
import { tufV1 } from './index.ts';

const malformed = { name: 'MetadataError', code: 'malformed' };
const key = makeKeyFor(tufV1);

async function files() {
  const repository = await RepositorySimulator.create({ dialect: tufV1 });
  repository
    .delegateFrom('targets', { name: 'a' as RoleName, patterns: ['x/*'], terminating: true })
    .tag('v1')
    .publish();
  return repository.files;
}

/** The file of a role with its body changed. */
async function changed(role: RoleName, change: (body: Map<string, JsonValue>) => void): Promise<Uint8Array> {
  return resigned((await files()).get(role) as Uint8Array, change, [key]);
}

const at = (body: JsonValue | undefined, ...path: readonly string[]): Map<string, JsonValue> => {
  let value = body;
  for (const name of path) value = (value as Map<string, JsonValue>).get(name);
  return value as Map<string, JsonValue>;
};

describe('what is read', () => {
  test('is written again as the same content', async () => {
    for (const [role, file] of await files()) {
      const kind = kindOf(role);
      const { signed, signedBytes, signatures } = tufV1.decode(kind, file);

      expect(tufV1.encode({ signedBytes, signatures })).toEqual(file);
      expect(tufV1.encodeSigned(signed)).toEqual(signedBytes);
      expect(tufV1.decodeSigned(kind, signedBytes)).toEqual(signed);
      tufV1.decodeCanonical(kind, file);
    }
  });

  test('may hold unknown fields anywhere: they say nothing, and are part of what is signed', async () => {
    const file = await changed(ROOT, (body) => {
      body.set('x-custom', new Map([['b', [1, 2]]]));
      at(body, 'roles', 'root').set('x-note', 'ä');
      for (const listed of at(body, 'keys').values()) (listed as Map<string, JsonValue>).set('x-owner', '@somebody');
    });
    const envelope = tufV1.decode('root', file);
    expect(decodeUtf8(envelope.signedBytes)).toContain('"x-custom":{"b":[1,2]}');
    expect(
      countSignatures(envelope, new Map([[key.id, key.listed]]), { keyIds: [key.id], threshold: 1 }).signed,
    ).toEqual([key.id]);

    const text = decodeUtf8(file).replace(',"x-custom":{"b":[1,2]}', '');
    const without = tufV1.decode('root', encodeUtf8(text));
    expect(
      countSignatures(without, new Map([[key.id, key.listed]]), { keyIds: [key.id], threshold: 1 }).signed,
    ).toEqual([]);
  });

  test('S10 unknown fields beside signed and signatures carry no meaning', async () => {
    const file = (await files()).get(TIMESTAMP) as Uint8Array;
    const extended = encodeUtf8(decodeUtf8(file).replace(/^\{/, '{"extra":{"version":9},'));

    expect(tufV1.decode('timestamp', extended).signed).toEqual(tufV1.decode('timestamp', file).signed);
  });

  test('is verified over its canonical form, however it is spelled', async () => {
    const file = (await files()).get(ROOT) as Uint8Array;
    const pretty = encodeUtf8(JSON.stringify(JSON.parse(decodeUtf8(file)), null, 2));

    expect(tufV1.decode('root', pretty).signedBytes).toEqual(tufV1.decode('root', file).signedBytes);
  });
});

describe('what is refused', () => {
  for (const [what, role, change] of [
    ['another type', TARGETS, (body) => body.set('_type', 'snapshot')],
    ["another dialect's spelling of the type", TARGETS, (body) => body.set('_type', 'Targets')],
    ['no spec_version', TARGETS, (body) => body.delete('spec_version')],
    ['spec_version 2.0', TARGETS, (body) => body.set('spec_version', '2.0.0')],
    ['spec_version 1', TARGETS, (body) => body.set('spec_version', '1')],
    ['spec_version as a number', TARGETS, (body) => body.set('spec_version', 1)],
    ['no version', TARGETS, (body) => body.delete('version')],
    ['version 0', TARGETS, (body) => body.set('version', 0)],
    ['version as text', TARGETS, (body) => body.set('version', '1')],
    ['no expiry', TARGETS, (body) => body.delete('expires')],
    ['an expiry that is no time', TARGETS, (body) => body.set('expires', '2026-13-01T00:00:00Z')],
    ['S16 a threshold of zero', ROOT, (body) => at(body, 'roles', 'timestamp').set('threshold', 0)],
    ['S16 a threshold below zero', ROOT, (body) => at(body, 'roles', 'timestamp').set('threshold', -1)],
    ['a role without keys field', ROOT, (body) => at(body, 'roles', 'timestamp').delete('keyids')],
    ['a root without a role', ROOT, (body) => at(body, 'roles').delete('snapshot')],
    ['consistent_snapshot as text', ROOT, (body) => body.set('consistent_snapshot', 'true')],
    ['a timestamp without a snapshot', TIMESTAMP, (body) => at(body, 'meta').delete('snapshot.json')],
    ['a pin without a version', SNAPSHOT, (body) => at(body, 'meta', 'targets.json').delete('version')],
    [
      'a pin with an unknown hash alone',
      SNAPSHOT,
      (body) => at(body, 'meta', 'targets.json').set('hashes', new Map([['md5', '00']])),
    ],
    ['a pin with a short hash', SNAPSHOT, (body) => at(body, 'meta', 'targets.json', 'hashes').set('sha256', '00')],
    ['a pin with a negative length', SNAPSHOT, (body) => at(body, 'meta', 'targets.json').set('length', -1)],
    ['a file that is no .json', SNAPSHOT, (body) => at(body, 'meta').set('targets', at(body, 'meta', 'targets.json'))],
    ['a role without a name', SNAPSHOT, (body) => at(body, 'meta').set('.json', at(body, 'meta', 'targets.json'))],
    ['a target without length', TARGETS, (body) => at(body, 'targets', 'v1').delete('length')],
    ['a target with a short hash', TARGETS, (body) => at(body, 'targets', 'v1', 'hashes').set('sha256', 'ab')],
    ['S13 a delegation called as a top-level role', TARGETS, (body) => delegation(body).set('name', 'snapshot')],
    ['S13 a delegation called targets', TARGETS, (body) => delegation(body).set('name', 'targets')],
    ['S13 a delegation without a name', TARGETS, (body) => delegation(body).set('name', '')],
    [
      'S13 a delegation whose name is too long for a file',
      TARGETS,
      (body) => delegation(body).set('name', 'ü'.repeat(60)),
    ],
    ['both patterns and hash prefixes', TARGETS, (body) => delegation(body).set('path_hash_prefixes', ['0'])],
    ['terminating as text', TARGETS, (body) => delegation(body).set('terminating', 'no')],
    ['S16 a delegation with threshold 0', TARGETS, (body) => delegation(body).set('threshold', 0)],
    ['succinct roles beside roles', TARGETS, (body) => at(body, 'delegations').set('succinct_roles', new Map())],
    ['a fraction', TARGETS, (body) => at(body, 'targets', 'v1').set('custom', 1.5 as never)],
  ] as const satisfies readonly (readonly [string, RoleName, (body: Map<string, JsonValue>) => unknown])[])
    test(what, async () => {
      const good = (await files()).get(role) as Uint8Array;
      const body = JSON.parse(decodeUtf8(good)).signed;
      const map = toMap(body) as Map<string, JsonValue>;
      change(map);
      const text = `{"signatures":[],"signed":${jsonText(map)}}`;

      refused(() => tufV1.decode(kindOf(role), encodeUtf8(text)), malformed);
    });

  test('succinct roles of no bits, of 33, or with a top-level prefix that is no name', () => {
    const succinct = (bits: number, prefix: string) =>
      `{"signatures":[],"signed":{"_type":"targets","delegations":{"keys":{},"succinct_roles":{"bit_length":${bits},"keyids":[],"name_prefix":"${prefix}","threshold":1}},"expires":"2030-01-01T00:00:00Z","spec_version":"1.0.34","targets":{},"version":1}}`;

    tufV1.decode('targets', encodeUtf8(succinct(32, 'bin')));
    for (const [bits, prefix] of [
      [0, 'bin'],
      [33, 'bin'],
      [-1, 'bin'],
      [8, 'x'.repeat(300)],
    ] as const)
      refused(() => tufV1.decode('targets', encodeUtf8(succinct(bits, prefix))), malformed);
  });

  test('S23 a key ID that is empty or endless, in a signature, a key and a role', () => {
    const file = (keyId: string) =>
      encodeUtf8(
        `{"signatures":[{"keyid":"${keyId}","sig":""}],"signed":{"_type":"targets","expires":"2030-01-01T00:00:00Z","spec_version":"1.0.34","targets":{},"version":1}}`,
      );

    tufV1.decode('targets', file('x'.repeat(1024)));
    for (const bad of ['', 'x'.repeat(1025)]) refused(() => tufV1.decode('targets', file(bad)), malformed);
  });

  test('S11 duplicate keys, trailing bytes and a BOM', async () => {
    const text = decodeUtf8((await files()).get(TIMESTAMP) as Uint8Array);
    for (const bad of [
      text.replace('"version":', '"version":7,"version":'),
      `${text}x`,
      `\ufeff${text}`,
      `${text}${text}`,
    ])
      refused(() => tufV1.decode('timestamp', encodeUtf8(bad)), malformed);
  });

  test('S15 two signatures under one key ID', async () => {
    const text = decodeUtf8((await files()).get(TIMESTAMP) as Uint8Array);
    const doubled = text.replace(/\{"signatures":\[(\{[^}]*\})\]/, '{"signatures":[$1,$1]');
    expect(doubled).not.toBe(text);

    refused(() => tufV1.decode('timestamp', encodeUtf8(doubled)), malformed);
  });

  test('S23 more signatures than any role needs', () => {
    const payload = tufV1.encodeSigned(firstTargets(NOW));
    const signatures = Array.from({ length: 257 }, (_, index) => ({
      keyId: `k${index}` as never,
      method: '',
      bytes: new Uint8Array(1),
    }));

    refused(() => tufV1.decode('targets', tufV1.encode({ signedBytes: payload, signatures })), malformed);
  });
});

describe('S15 S27 a threshold', () => {
  const payload = tufV1.encodeSigned(firstTargets(NOW));

  test('is not met by one key under two IDs, whatever IDs a file gives it', () => {
    const signature = key.sign(payload);
    const other = { ...signature, keyId: 'another name' as never };
    const envelope = tufV1.decode('targets', tufV1.encode({ signedBytes: payload, signatures: [signature, other] }));
    const keys = new Map([
      [key.id, key.listed],
      ['another name' as never, { ...key.listed }],
    ]);

    expect(countSignatures(envelope, keys, { keyIds: [...keys.keys()], threshold: 2 }).signed).toEqual([key.id]);
  });

  test('is met beside signatures that are empty, no hex, or of keys nobody knows', () => {
    const good = tufV1.encode({ signedBytes: payload, signatures: [key.sign(payload)] });
    const text = decodeUtf8(good).replace(
      '{"signatures":[',
      '{"signatures":[{"keyid":"a","sig":""},{"keyid":"b","sig":"zz"},',
    );
    const envelope = tufV1.decode('targets', encodeUtf8(text));
    const keys = new Map([
      [key.id, key.listed],
      ['a' as never, makeKeyFor(tufV1).listed],
    ]);

    expect(
      countSignatures(envelope, keys, { keyIds: [key.id, 'a' as never, 'c' as never], threshold: 1 }).signed,
    ).toEqual([key.id]);
  });
});

describe('canonical form', () => {
  test('a name with control characters, quotes and characters beyond ASCII is read as it was signed', () => {
    for (const path of ['a"b\\c', 'tab\there', 'line\nbreak', 'ü', '💥', '\u007f\u2028', '<&>']) {
      const signed = {
        ...firstTargets(NOW),
        targets: new Map([[path, { length: 1, hashes: new Map([['sha256', new Uint8Array(32)]]) }]]),
      };
      const bytes = tufV1.encodeSigned(signed);
      const envelope = tufV1.decode('targets', signedPayload(bytes, [key]));

      expect([...envelope.signed.targets.keys()]).toEqual([path]);
      expect(envelope.signedBytes).toEqual(bytes);
    }
  });

  test('integers of any size stay what they are, and every other number is refused', async () => {
    const target = { length: 1, hashes: new Map() };
    const body = tufV1.encodeSigned(withTarget(firstTargets(NOW), 'x', { ...target, custom: new Map([['n', 7]]) }));
    const file = (number: string) =>
      encodeUtf8(`{"signatures":[],"signed":${decodeUtf8(body).replace('{"n":7}', `{"n":${number}}`)}}`);
    for (const number of ['9007199254740993', '-18446744073709551617', '123456789012345678901234567890'])
      expect(decodeUtf8(tufV1.decode('targets', file(number)).signedBytes)).toContain(`{"n":${number}}`);
    expect(decodeUtf8(tufV1.decode('targets', file('-0')).signedBytes)).toContain('{"n":0}');
    for (const number of ['1.0', '1e3', '0.5', '1E+2']) refused(() => tufV1.decode('targets', file(number)), malformed);
  });
});

test('S22 whatever bytes a file is changed by, it is read or refused by a typed error', async () => {
  const all = [...(await files())];
  fc.assert(
    fc.property(
      fc.constantFrom(...all),
      fc.nat(),
      fc.uint8Array({ maxLength: 6 }),
      fc.nat(12),
      ([role, file], where, bytes, drop) => {
        const from = where % file.length;
        const mutated = new Uint8Array([...file.subarray(0, from), ...bytes, ...file.subarray(from + drop)]);
        try {
          tufV1.decode(kindOf(role), mutated);
          tufV1.pin(mutated);
        } catch (error) {
          if (!(error instanceof MetadataError)) throw error;
        }
      },
    ),
    { numRuns: 1500 },
  );
});

function delegation(body: Map<string, JsonValue>): Map<string, JsonValue> {
  return (at(body, 'delegations').get('roles') as unknown as readonly Map<string, JsonValue>[])[0] as Map<
    string,
    JsonValue
  >;
}

function toMap(value: unknown): JsonValue {
  if (Array.isArray(value)) return value.map(toMap);
  if (value !== null && typeof value === 'object')
    return new Map(Object.entries(value).map(([name, member]) => [name, toMap(member)]));
  return value as JsonValue;
}

function jsonText(value: JsonValue): string {
  if (value instanceof Map)
    return `{${[...value].map(([name, member]) => `${JSON.stringify(name)}:${jsonText(member)}`).join(',')}}`;
  return Array.isArray(value) ? `[${value.map(jsonText).join(',')}]` : JSON.stringify(value);
}
