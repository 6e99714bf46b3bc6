// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { refused } from '../../test/support/refusals.ts';
import { makeKey } from '../../test/support/test-keys.ts';
import { decodeUtf8, encodeUtf8 } from '../encoding/index.ts';
import type { KeyId } from '../tuf/index.ts';
import { type Change, decodeChange, encodeChange } from './changelist.ts';
import {
  decodeDelegationContent,
  decodeTargetContent,
  delegationAdditions,
  delegationReductions,
  delegationRemoval,
  keyPurge,
  targetAddition,
  targetRemoval,
  witnessing,
} from './changelist-content.ts';

const MALFORMED = { name: 'ChangelistError', code: 'malformed' };
const data = (change: Change) => decodeUtf8(change.data ?? new Uint8Array());

describe("a change's file", () => {
  test('is what Notary writes, escapes included', () => {
    expect(decodeUtf8(encodeChange(targetRemoval('targets', 't<1>&é')))).toBe(
      '{"action":"delete","role":"targets","type":"target","path":"t\\u003c1\\u003e\\u0026é","data":null}',
    );
    expect(decodeUtf8(encodeChange(keyPurge(['abc'])))).toBe(
      '{"action":"update","role":"targets/*","type":"delegation","path":"","data":"eyJyZW1vdmVfa2V5cyI6WyJhYmMiXX0="}',
    );
    expect(decodeUtf8(encodeChange(witnessing('targets/a')))).toBe(
      '{"action":"update","role":"targets/a","type":"witness","path":"","data":null}',
    );
    expect(decodeUtf8(encodeChange(delegationRemoval('targets/a')))).toBe(
      '{"action":"delete","role":"targets/a","type":"delegation","path":"","data":null}',
    );
  });

  test('comes back as it was written, whatever it says', () => {
    const change = fc.record({
      action: fc.constantFrom('create', 'update', 'delete'),
      role: fc.string({ unit: 'grapheme', maxLength: 60 }),
      type: fc.constantFrom('target', 'delegation', 'witness', 'role'),
      path: fc.string({ unit: 'grapheme', maxLength: 60 }),
      data: fc.option(fc.uint8Array({ maxLength: 100 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(change, ({ data: bytes, ...rest }) => {
        const written = (bytes === undefined ? rest : { ...rest, data: bytes }) as Change;
        expect(decodeChange(encodeChange(written))).toEqual(written);
      }),
    );
  });

  test('is refused when it is no change', () => {
    const whole = { action: 'create', role: 'targets', type: 'target', path: 'a', data: null };
    for (const broken of [
      { ...whole, action: 'destroy' },
      { ...whole, type: 'metadata' },
      { ...whole, path: 7 },
      { ...whole, role: undefined },
      { ...whole, data: 'not base64!' },
      { ...whole, data: {} },
      { ...whole, extra: 1 },
      { ...whole, path: 'x'.repeat(5000) },
      [whole],
      'targets',
    ])
      refused(() => decodeChange(encodeUtf8(JSON.stringify(broken))), MALFORMED);
  });

  test('S11 S22 is refused with doubled fields, trailing bytes, or bytes of any kind, and never crashes', () => {
    const file = decodeUtf8(encodeChange(targetRemoval('targets', 'a')));
    refused(() => decodeChange(encodeUtf8(file.replace('{', '{"role":"targets/a",'))), MALFORMED);
    refused(() => decodeChange(encodeUtf8(`${file}{}`)), MALFORMED);
    for (let length = 0; length < file.length; length++)
      refused(() => decodeChange(encodeUtf8(file.slice(0, length))), MALFORMED);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void refused(() => decodeChange(bytes), MALFORMED)),
    );
  });
});

describe('what a change says of a target', () => {
  const sha256 = new Uint8Array(32).fill(0xab);

  test('is what Notary writes: length, hashes in order, custom data', () => {
    const hashes = new Map([
      ['sha512', new Uint8Array(64)],
      ['sha256', sha256],
    ]);
    expect(data(targetAddition('targets', 'v1', { length: 16, hashes }))).toBe(
      `{"length":16,"hashes":{"sha256":"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=","sha512":"${'A'.repeat(86)}=="}}`,
    );
  });

  test('has custom data in canonical order, so that the original signs what it verifies', () => {
    const custom = new Map<string, unknown>([
      [
        'b',
        [
          1,
          new Map([
            ['z', null],
            ['a', true],
          ]),
        ],
      ],
      ['a', '<x>'],
    ]) as never;
    const change = targetAddition('targets', 'v1', { length: 1, hashes: new Map([['sha256', sha256]]), custom });
    expect(data(change)).toEndWith('"custom":{"a":"\\u003cx\\u003e","b":[1,{"a":true,"z":null}]}}');
    expect(decodeTargetContent(change).custom).toEqual(custom);
  });

  test('is refused when it cannot be signed', () => {
    const content = (text: string): Change => ({
      ...targetRemoval('targets', 'a'),
      action: 'create',
      data: encodeUtf8(text),
    });
    const hashes = '"hashes":{"sha256":"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="}';
    expect(decodeTargetContent(content(`{"length":1,${hashes}}`)).length).toBe(1);
    for (const text of [
      `{"length":-5,${hashes}}`,
      `{"length":1.5,${hashes}}`,
      `{${hashes}}`,
      '{"length":1}',
      '{"length":1,"hashes":{}}',
      '{"length":1,"hashes":{"sha256":"YWI="}}',
      '{"length":1,"hashes":{"sha256":7}}',
      '{"length":1,"hashes":{"md5":"YWI="}}',
      `{"length":1,${hashes},"custom":1.5}`,
      `{"length":1,${hashes},"extra":1}`,
      'null',
      '',
    ])
      refused(() => decodeTargetContent(content(text)), MALFORMED);
    refused(() => decodeTargetContent(targetRemoval('targets', 'a')), MALFORMED);
  });
});

describe('what a change says of a delegation', () => {
  const { listed } = makeKey();

  test('is what Notary writes: keys in plain form, then paths, each a change of its own', () => {
    const [keys, paths, ...others] = delegationAdditions('targets/a', [listed], ['x/<', 'y']);
    const encoded = Buffer.from(listed.bytes).toString('base64');
    expect(data(keys as Change)).toBe(
      `{"threshold":1,"add_keys":[{"keytype":"${listed.type}","keyval":{"public":"${encoded}","private":null}}]}`,
    );
    expect(data(paths as Change)).toBe('{"add_paths":["x/\\u003c","y"]}');
    expect(others).toEqual([]);
    expect(delegationAdditions('targets/a', [], ['']).map(data)).toEqual(['{"add_paths":[""]}']);
    expect(delegationReductions('targets/a', ['k'], ['x/']).map(data)).toEqual([
      '{"remove_paths":["x/"]}',
      '{"remove_keys":["k"]}',
    ]);
    expect(delegationReductions('targets/a', [], 'all').map(data)).toEqual(['{"clear_paths":true}']);
  });

  test('comes back as it was written', () => {
    const paths = fc.array(fc.string({ maxLength: 20 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(paths, (added) => {
        const [keys, withPaths] = delegationAdditions('targets/a', [listed], added);
        expect(decodeDelegationContent(keys as Change)).toMatchObject({
          threshold: 1,
          addKeys: [listed],
          addPaths: [],
        });
        expect(decodeDelegationContent(withPaths as Change)).toMatchObject({ addKeys: [], addPaths: added });
      }),
    );
    const [removal] = delegationReductions('targets/a', ['k'], []);
    expect(decodeDelegationContent(removal as Change).removeKeys).toEqual(['k' as KeyId]);
  });

  test('is refused when it cannot be understood whole', () => {
    const content = (text: string): Change => ({ ...delegationRemoval('targets/a'), data: encodeUtf8(text) });
    for (const text of [
      '{"threshold":"1"}',
      '{"add_keys":[7]}',
      '{"add_keys":[{"keytype":"ecdsa"}]}',
      '{"add_keys":{}}',
      '{"add_paths":[1]}',
      '{"clear_paths":1}',
      '{"new_name":"targets/b"}',
      '[]',
    ])
      refused(() => decodeDelegationContent(content(text)), MALFORMED);
  });
});
