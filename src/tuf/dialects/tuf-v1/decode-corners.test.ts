// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { refused } from '../../../../test/support/refusals.ts';
import { GUN, NOW, RepositorySimulator } from '../../../../test/support/repository-simulator.ts';
import { resigned } from '../../../../test/support/signed-files.ts';
import { makeKeyFor } from '../../../../test/support/test-keys.ts';
import { decodeUtf8, encodeUtf8, type JsonValue } from '../../../encoding/index.ts';
import { firstTargets } from '../../edit.ts';
import { ROOT, type RoleName, SNAPSHOT, TARGETS } from '../../names.ts';
import { tufV1 } from './index.ts';

type Tree = Map<string, JsonValue>;
const MALFORMED = { name: 'MetadataError', code: 'malformed' };
const key = makeKeyFor(tufV1);
const repository = await RepositorySimulator.create({ dialect: tufV1 });
repository
  .delegateFrom('targets', { name: 'a' as RoleName, patterns: ['x/*'] })
  .tag('v1')
  .publish();

const inside = (tree: Tree, ...names: readonly string[]) => names.reduce((at, name) => at.get(name) as Tree, tree);

function changed(role: RoleName, change: (body: Tree) => unknown): Uint8Array {
  return resigned(repository.files.get(role) as Uint8Array, (body) => void change(body), [key]);
}

const root = (change: (body: Tree) => unknown) => tufV1.decode('root', changed(ROOT, change)).signed;
const targets = (change: (body: Tree) => unknown) => tufV1.decode('targets', changed(TARGETS, change)).signed;
const hashes = (...entries: readonly [string, JsonValue][]) =>
  targets((body) => inside(body, 'targets', 'v1').set('hashes', new Map(entries))).targets.get('v1')?.hashes;

describe('what may be left out', () => {
  test('counts as what it says in absence', () => {
    expect(root((body) => body.delete('consistent_snapshot')).consistentSnapshot).toBe(false);
    const [delegation] = targets((body) => {
      (inside(body, 'delegations').get('roles') as unknown as Tree[])[0]?.delete('terminating');
    }).delegations.roles;
    expect(delegation?.terminating).toBe(false);
    const { targets: files } = targets((body) => inside(body, 'targets', 'v1').set('custom', null));
    expect(files.get('v1')).toMatchObject({ custom: null });
    expect('custom' in (targets(() => {}).targets.get('v1') ?? {})).toBe(false);
  });

  test('a length of zero is a length, and one below is none', () => {
    const length = (value: number) => () => targets((body) => inside(body, 'targets', 'v1').set('length', value));
    expect(length(0)().targets.get('v1')?.length).toBe(0);
    refused(length(-1), MALFORMED);
  });
});

describe('hashes', () => {
  test('of an algorithm that nobody knows are passed over, whatever they say', () => {
    const good = 'ab'.repeat(32);
    expect([...(hashes(['blake2b', 'zz'], ['sha256', good])?.keys() ?? [])]).toEqual(['sha256']);
  });

  test('are text', () => {
    for (const odd of [5, null, [], new Map()]) {
      refused(() => hashes(['sha256', odd]), MALFORMED);
      refused(() => hashes(['blake2b', odd]), MALFORMED);
    }
  });
});

test('a file is pinned by the version that it states, which must be one', () => {
  for (const version of [0, -1, '1', null])
    refused(() => tufV1.pin(changed(SNAPSHOT, (body) => body.set('version', version))), MALFORMED);
});

test('a key has a name', () => {
  for (const id of ['', 'x'.repeat(10_000)])
    refused(
      () => root((body) => inside(body, 'keys').set(id, [...inside(body, 'keys').values()][0] ?? null)),
      MALFORMED,
    );
});

test('S23 a file has up to 256 signatures', () => {
  const file = decodeUtf8(repository.files.get(ROOT) as Uint8Array);
  const signed = (count: number) => {
    const list = Array.from({ length: count }, (_, index) => ({ keyid: `k${index}`, sig: '' }));
    return encodeUtf8(file.replace(/"signatures":\s*\[.*?\]/s, `"signatures":${JSON.stringify(list)}`));
  };

  expect(tufV1.decode('root', signed(256)).signatures).toHaveLength(256);
  refused(() => tufV1.decode('root', signed(257)), MALFORMED);
});

describe('succinct roles', () => {
  const succinct = (change: Readonly<Record<string, JsonValue>>, beside: Readonly<Record<string, JsonValue>> = {}) =>
    targets((body) => {
      const delegations = inside(body, 'delegations');
      const about = { keyids: ['k'], threshold: 1, bit_length: 4, name_prefix: 'bin', ...change };
      delegations.delete('roles');
      for (const [name, value] of Object.entries(beside)) delegations.set(name, value);
      delegations.set('succinct_roles', new Map<string, JsonValue>(Object.entries(about)));
    }).delegations.succinct;

  test('have from 1 to 32 bits and a name that is one', () => {
    for (const bits of [1, 32]) expect(succinct({ bit_length: bits })?.bits).toBe(bits);
    for (const bits of [0, 33, -1, '4', null]) refused(() => succinct({ bit_length: bits }), MALFORMED);
    for (const prefix of [null, 5, []]) refused(() => succinct({ name_prefix: prefix }), MALFORMED);
    refused(() => succinct({ threshold: 0 }), MALFORMED);
  });

  test('stand alone, or it would not be known whom to ask', () => {
    refused(() => succinct({}, { roles: [] }), MALFORMED);
  });
});

test('a snapshot that lists a root, as those of long ago did, pins none', () => {
  const file = changed(SNAPSHOT, (body) => inside(body, 'meta').set('root.json', new Map([['version', 1]])));

  expect([...tufV1.decode('snapshot', file).signed.meta.keys()] as string[]).toEqual(['targets']);
});

test('targets without delegations say nothing of any', () => {
  expect(decodeUtf8(tufV1.encodeSigned(firstTargets(NOW)))).not.toContain('delegations');
});

test('what cannot be read is in no form', () => {
  refused(() => tufV1.decodeCanonical('root', encodeUtf8('{}')), MALFORMED);
  refused(() => tufV1.decodeCanonical('root', repository.files.get(TARGETS) as Uint8Array), MALFORMED);
});

test('a root key that is named and not listed is none', () => {
  const found = root((body) => {
    (inside(body, 'roles', 'root').get('keyids') as string[]).push('nobody');
  });

  expect(tufV1.rootKeys(found, GUN).size).toBe(1);
});

test('S1 a type that names a scheme is ECDSA where it names its own', () => {
  const typed = (type: string, scheme: string) =>
    [
      ...root((body) => {
        for (const listed of inside(body, 'keys').values()) (listed as Tree).set('keytype', type).set('scheme', scheme);
      }).keys.values(),
    ][0]?.type;

  expect(typed('ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256')).toBe('ecdsa');
  expect(typed('ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384')).toBe('ecdsa-sha2-nistp256');
  expect(typed('ed25519', 'ed25519')).toBe('ed25519');
});
