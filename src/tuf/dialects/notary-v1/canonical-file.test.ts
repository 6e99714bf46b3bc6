// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { refused } from '../../../../test/support/refusals.ts';
import { RepositorySimulator } from '../../../../test/support/repository-simulator.ts';
import { resigned } from '../../../../test/support/signed-files.ts';
import { fileOf } from '../../../../test/support/stages.ts';
import { encodeUtf8, type JsonValue } from '../../../encoding/index.ts';
import type { Signed } from '../../metadata.ts';
import { notaryV1 } from './index.ts';

const repository = (await RepositorySimulator.create()).delegate('targets/a').tag('v1').publish();
const KINDS: readonly Signed['type'][] = ['root', 'targets', 'snapshot', 'timestamp'];
const MALFORMED = { name: 'MetadataError', code: 'malformed' };

/** The role's file, its body changed and then written and signed in canonical form. */
function changed(kind: Signed['type'], change: (body: Map<string, JsonValue>) => void): Uint8Array {
  return resigned(fileOf(repository, kind), change, repository.keys.get(kind as never) ?? []);
}

function respelled(kind: Signed['type'], change: (file: string) => string): Uint8Array {
  return encodeUtf8(change(new TextDecoder().decode(fileOf(repository, kind))));
}

const inside = (value: JsonValue | undefined, name: string) =>
  (value as Map<string, JsonValue>).get(name) as Map<string, JsonValue>;

/** Every one of these is readable, validly signed, and would brick a repository on the original server. */
function refusedAsStored(kind: Signed['type'], file: Uint8Array): void {
  notaryV1.decode(kind, file);
  refused(() => notaryV1.decodeCanonical(kind, file), MALFORMED);
}

for (const kind of KINDS) {
  describe(`W a stored ${kind} is what Go would write again, byte for byte (reference 2.4)`, () => {
    test('our own files are', () => {
      expect(notaryV1.decodeCanonical(kind, fileOf(repository, kind)).signed.type).toBe(kind);
    });

    test('times with trailing zeros or +00:00 are not', () => {
      for (const expires of [
        '2030-01-01T00:00:00.000Z',
        '2030-01-01T00:00:00.120Z',
        '2030-01-01T00:00:00+00:00',
        '2030-01-01T00:00:00.10+02:00',
      ])
        refusedAsStored(
          kind,
          changed(kind, (body) => body.set('expires', expires)),
        );
    });

    test('times that Go keeps are', () => {
      for (const expires of [
        '2030-01-01T00:00:00.123Z',
        '2030-01-01T10:00:00Z',
        '2030-01-01T00:00:00+02:00',
        '2030-01-01T00:00:00.821734495-05:00',
      ])
        expect(
          notaryV1.decodeCanonical(
            kind,
            changed(kind, (body) => body.set('expires', expires)),
          ).signed.expires,
        ).toEqual(new Date(expires));
    });

    test('white space is not, wherever it stands', () => {
      for (const spaced of [
        respelled(kind, (file) => file.replace(':', ': ')),
        respelled(kind, (file) => `${file}\n`),
        respelled(kind, (file) => ` ${file}`),
        respelled(kind, (file) => JSON.stringify(JSON.parse(file), null, 2)),
      ])
        refusedAsStored(kind, spaced);
    });

    test('another key order is not', () => {
      refusedAsStored(
        kind,
        respelled(kind, (file) => {
          const { signed, signatures } = JSON.parse(file);
          return JSON.stringify({ signatures, signed });
        }),
      );
      refusedAsStored(
        kind,
        respelled(kind, (file) => {
          const { signed, signatures } = JSON.parse(file);
          return JSON.stringify({ signed: Object.fromEntries(Object.entries(signed).reverse()), signatures });
        }),
      );
    });

    test('an unknown field of the body or of a signature is not', () => {
      refusedAsStored(
        kind,
        changed(kind, (body) => body.set('spec_version', '1.0')),
      );
      refusedAsStored(
        kind,
        respelled(kind, (file) => file.replace('"keyid":', '"alg":"x","keyid":')),
      );
    });

    test('another spelling of a letter, a number or a method is not', () => {
      refusedAsStored(
        kind,
        respelled(kind, (file) => file.replace('"version"', '"\\u0076ersion"')),
      );
      refusedAsStored(
        kind,
        respelled(kind, (file) => file.replace('"method":"ecdsa"', '"method":"ECDSA"')),
      );
    });
  });
}

describe('W unknown and superfluous fields inside', () => {
  test('a key object', () => {
    for (const role of ['root', 'targets'] as const)
      for (const [name, value] of [
        ['keyid_hash_algorithms', []],
        ['scheme', 'x'],
      ] as const)
        refusedAsStored(
          role,
          changed(role, (body) => {
            const keys = role === 'root' ? inside(body, 'keys') : inside(body.get('delegations'), 'keys');
            for (const key of keys.values()) (key as Map<string, JsonValue>).set(name, value);
          }),
        );
  });

  test('a private key, or its absence', () => {
    for (const change of [
      (keyval: Map<string, JsonValue>) => keyval.set('private', ''),
      (keyval: Map<string, JsonValue>) => keyval.delete('private'),
    ])
      refusedAsStored(
        'root',
        changed('root', (body) => {
          for (const key of inside(body, 'keys').values()) change(inside(key, 'keyval'));
        }),
      );
  });

  test('a role of the root', () => {
    refusedAsStored(
      'root',
      changed('root', (body) => inside(body.get('roles'), 'root').set('name', 'root')),
    );
  });

  test('a target, and a custom that is null', () => {
    refusedAsStored(
      'targets',
      changed('targets', (body) => inside(body.get('targets'), 'v1').set('custom', null)),
    );
    refusedAsStored(
      'targets',
      changed('targets', (body) => inside(body.get('targets'), 'v1').set('extra', 1)),
    );
    notaryV1.decodeCanonical(
      'targets',
      changed('targets', (body) => inside(body.get('targets'), 'v1').set('custom', new Map([['a', 1]]))),
    );
  });

  test('an empty list of paths, and an unknown field of a delegation', () => {
    const delegation = (body: Map<string, JsonValue>) =>
      (inside(body, 'delegations').get('roles') as readonly Map<string, JsonValue>[])[0] as Map<string, JsonValue>;
    refusedAsStored(
      'targets',
      changed('targets', (body) => delegation(body).set('paths', [])),
    );
    refusedAsStored(
      'targets',
      changed('targets', (body) => delegation(body).set('terminating', true)),
    );
    refusedAsStored(
      'targets',
      changed('targets', (body) => inside(body, 'delegations').set('extra', [])),
    );
    notaryV1.decodeCanonical(
      'targets',
      changed('targets', (body) => delegation(body).delete('paths')),
    );
  });

  test('a pin of a snapshot and of a timestamp', () => {
    refusedAsStored(
      'snapshot',
      changed('snapshot', (body) => inside(body.get('meta'), 'root').set('version', 1)),
    );
    refusedAsStored(
      'timestamp',
      changed('timestamp', (body) => inside(body.get('meta'), 'snapshot').set('custom', null)),
    );
  });

  test('bytes that are no metadata at all are the same typed refusal', () => {
    for (const bytes of ['', '{', '{}', 'null', '\ufeff{}'])
      expect(() => notaryV1.decodeCanonical('root', encodeUtf8(bytes))).toThrow(expect.objectContaining(MALFORMED));
  });
});
