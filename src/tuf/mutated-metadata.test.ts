// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { VECTOR_NOW, vectorRepository } from '../../test/support/vectors.ts';
import { encodeUtf8 } from '../encoding/index.ts';
import type { UpdateContext } from './admission.ts';
import { kindOf } from './dialect.ts';
import { notaryV1 } from './dialects/notary-v1/index.ts';
import { VerificationError } from './errors.ts';
import { MetadataError } from './metadata-error.ts';
import { parentRole, type RoleName } from './names.ts';
import { TrustedRoot } from './trusted.ts';

/** Recorded files of the original programs, of every kind and of several key types. */
const repositories = ['c-docker-delegations', 'd-notary-custom-nested', 'i-ed25519-server-keys', 'j-rsa-keys'].map(
  vectorRepository,
);
const files = repositories.flatMap((repository) => repository.files.map((file) => ({ ...file, gun: repository.gun })));

const TOKENS = [
  'null',
  '-1',
  '0',
  '1e400',
  '1.5',
  '9007199254740993',
  '""',
  '[]',
  '{}',
  '"x"',
  'true',
  '"\\ud800"',
  '"__proto__"',
  '"\\u0000"',
  ',',
  '}',
  ']',
  '{"":',
];

/** One byte changed, a piece cut out or doubled, or one JSON value replaced by another. */
function mutate(text: string, at: number, kind: number, token: string): string {
  const position = at % text.length;
  switch (kind % 4) {
    case 0:
      return (
        text.slice(0, position) +
        String.fromCharCode((text.charCodeAt(position) + kind) % 128) +
        text.slice(position + 1)
      );
    case 1:
      return text.slice(0, position) + text.slice(position + 1 + (kind % 40));
    case 2:
      return text.slice(0, position) + text.slice(position - (kind % 40));
    default: {
      const values = [...text.matchAll(/:("[^"]*"|-?\d+|null|true|false|\[[^[\]]*\])/g)];
      const value = values[at % values.length];
      if (value?.[1] === undefined) return token;
      const from = (value.index ?? 0) + 1;
      return text.slice(0, from) + token + text.slice(from + value[1].length);
    }
  }
}

const mutation = fc.tuple(fc.constantFrom(...files), fc.nat(), fc.nat(1000), fc.constantFrom(...TOKENS));

describe('S22 mutated metadata of the original programs', () => {
  test('decodes, or is a MetadataError of code malformed, and nothing else', () => {
    fc.assert(
      fc.property(mutation, ([file, at, kind, token]) => {
        const bytes = encodeUtf8(mutate(new TextDecoder().decode(file.bytes), at, kind, token));
        for (const judge of [notaryV1.decode, notaryV1.decodeCanonical]) {
          try {
            judge(kindOf(file.role), bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(MetadataError);
            expect(error).toMatchObject({ code: 'malformed' });
            expect((error as Error).message).not.toContain('\n');
          }
        }
      }),
      { numRuns: 1500 },
    );
  });

  test('never becomes trusted: each stage throws a VerificationError', () => {
    const [repository] = repositories as [(typeof repositories)[0]];
    const { gun, expected } = repository;
    const context: UpdateContext = { dialect: notaryV1, gun, now: VECTOR_NOW, marks: new Map() };
    const current = (role: string) => repository.file(role, expected.current[role] ?? 0);
    const root = TrustedRoot.bootstrap(current('root'), context, { admits: () => true });
    const timestamp = root.updateTimestamp(current('timestamp'));
    const snapshot = timestamp.updateSnapshot(current('snapshot'));
    const targets = snapshot.updateTargets(current('targets'));
    const role = 'targets/releases' as RoleName;
    const stages: readonly (readonly [string, (file: Uint8Array) => unknown])[] = [
      ['root', (file) => TrustedRoot.bootstrap(file, context, { admits: () => true })],
      ['root', (file) => TrustedRoot.load(file, context)],
      ['timestamp', (file) => root.updateTimestamp(file)],
      ['snapshot', (file) => timestamp.updateSnapshot(file)],
      ['targets', (file) => snapshot.updateTargets(file)],
      [role, (file) => targets.delegate(parentRole(role), role, file)],
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...stages),
        fc.nat(),
        fc.nat(1000),
        fc.constantFrom(...TOKENS),
        ([name, stage], at, kind, token) => {
          const original = new TextDecoder().decode(current(name));
          const changed = mutate(original, at, kind, token);
          if (changed === original || meansTheSame(name as RoleName, original, changed)) return;
          expect(() => stage(encodeUtf8(changed))).toThrow(VerificationError);
        },
      ),
      { numRuns: 600 },
    );
  });
});

/** No hash pins a first root or a timestamp, so another spelling of what was signed, such as more white space, is fine. */
function meansTheSame(role: RoleName, original: string, changed: string): boolean {
  if (role !== 'root' && role !== 'timestamp') return false;
  try {
    const [a, b] = [original, changed].map((text) => notaryV1.decode(kindOf(role), encodeUtf8(text)));
    return a !== undefined && b !== undefined && Buffer.compare(a.signedBytes, b.signedBytes) === 0;
  } catch {
    return false;
  }
}
