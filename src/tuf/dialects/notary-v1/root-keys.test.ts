// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { refused } from '../../../../test/support/refusals.ts';
import { GUN, NOW, RepositorySimulator } from '../../../../test/support/repository-simulator.ts';
import { ANY_KEY, contextOf, fileOf } from '../../../../test/support/stages.ts';
import { makeKey, makeRootKey, recordedKey, recordedPem, type TestKey } from '../../../../test/support/test-keys.ts';
import { decodePem, encodeUtf8 } from '../../../encoding/index.ts';
import { firstRoot } from '../../edit.ts';
import type { Root } from '../../metadata.ts';
import { ROOT } from '../../names.ts';
import { TrustedRoot } from '../../trusted.ts';
import { readCertificate } from './certificate.ts';
import { rootKeys } from './root-keys.ts';

const HOUR = 3_600_000;
const at = (hours: number) => new Date(NOW.getTime() + hours * HOUR);
const TEN_YEARS = 3650 * 24;

/** A root whose root role has exactly these keys, however unfit. */
function rootOf(...keys: readonly TestKey[]): Root {
  const other = makeKey().listed;
  const root = firstRoot({ root: [other], targets: [other], snapshot: [other], timestamp: [other] }, NOW);
  const roles = new Map(root.roles).set('root', { keyIds: keys.map(({ id }) => id), threshold: 1 });
  return { ...root, roles, keys: new Map([...root.keys, ...keys.map(({ id, listed }) => [id, listed] as const)]) };
}

/** Whether the key may speak for the GUN at NOW, as the only key of a root. */
function speaks(key: TestKey): boolean {
  return rootKeys(rootOf(key), GUN, NOW).has(key.id);
}

function withText(key: TestKey, change: (pem: string) => string): TestKey {
  return key.as({ ...key.listed, bytes: encodeUtf8(change(new TextDecoder().decode(key.listed.bytes))) });
}

describe('the common name binds a root to its GUN', () => {
  for (const [name, speaksFor] of [
    [GUN, true],
    ['registry.example.com/acme/*', true],
    ['registry.example.com/*', true],
    ['*', true],
    ['registry.example.com/acme/app*', true],
    ['registry.example.com/acme/**', true],
    ['registry.example.com/acme/other', false],
    ['registry.example.com/acme', false],
    ['registry.example.com/acme/', false],
    ['registry.example.com/acme/app/', false],
    ['registry.example.com/*/app', false],
    ['Registry.example.com/acme/app', false],
    ['registry.example.com/acme/app2*', false],
    ['registry.example.org/*', false],
    ['', false],
  ] as const) {
    test(`${JSON.stringify(name)} ${speaksFor ? 'speaks' : 'does not speak'} for ${GUN}`, async () => {
      expect(speaks(await makeRootKey(name, at(-1)))).toBe(speaksFor);
    });
  }

  test('metadata of one GUN under another is refused', async () => {
    const repository = await RepositorySimulator.create();
    const other = contextOf({ gun: 'registry.example.com/acme/other' as typeof GUN });

    refused(() => TrustedRoot.bootstrap(fileOf(repository, ROOT), other, ANY_KEY), {
      code: 'unusable-root-key',
      role: 'root',
    });
    refused(() => TrustedRoot.load(fileOf(repository, ROOT), other), { code: 'unusable-root-key', role: 'root' });
  });
});

describe('the certificate is valid now', () => {
  for (const [what, start, valid] of [
    ['started a minute ago', -1 / 60, true],
    ['starts in 23 hours: a clock that is off', 23, true],
    ['starts in 25 hours', 25, false],
    ['ends in an hour', -TEN_YEARS + 1, true],
    ['ended an hour ago', -TEN_YEARS - 1, false],
  ] as const) {
    test(`${what}: ${valid ? 'taken' : 'refused'}, and taken where its time does not matter`, async () => {
      const key = await makeRootKey(GUN, at(start));

      expect(speaks(key)).toBe(valid);
      expect(rootKeys(rootOf(key), GUN).has(key.id)).toBe(true);
    });
  }
});

describe('what is no root key', () => {
  test('a bare key, even one that signs well', () => {
    for (const algorithm of ['ecdsa', 'rsa', 'ed25519'] as const) expect(speaks(makeKey(algorithm))).toBe(false);
  });

  test('a certificate signed with SHA-1', () => {
    expect(speaks(recordedKey('sha1'))).toBe(false);
  });

  test('an RSA key under 2048 bits', () => {
    expect(speaks(recordedKey('rsa1024'))).toBe(false);
    expect(speaks(recordedKey('rsa2048'))).toBe(true);
  });

  test('a CA certificate as the leaf', () => {
    expect(speaks(recordedKey('ca-as-leaf'))).toBe(false);
  });

  test('a chain in the wrong order, with two leaves, or with a stranger that is no CA', () => {
    expect(speaks(recordedKey('chained', 'intermediate'))).toBe(true);
    expect(speaks(recordedKey('chained', 'intermediate', 'authority'))).toBe(true);
    expect(speaks(recordedKey('intermediate', 'chained'))).toBe(false);
    expect(speaks(recordedKey('chained', 'by-authority'))).toBe(false);
    expect(speaks(recordedKey('chained', 'intermediate', 'by-authority'))).toBe(false);
  });

  test('PEM that is not byte for byte what Go would write', () => {
    const key = recordedKey('rsa2048');
    expect(speaks(withText(key, (pem) => pem))).toBe(true);
    for (const change of [
      (pem: string) => pem.trimEnd(),
      (pem: string) => pem.replaceAll('\n', '\r\n'),
      (pem: string) => `subject=CN\n${pem}`,
      (pem: string) => `${pem}\n`,
      (pem: string) => pem.replace('CERTIFICATE-----\n', 'CERTIFICATE-----\na: b\n\n'),
      (pem: string) => pem.replace(/(.{64})\n(.{64})\n/, '$1$2\n'),
    ])
      expect(speaks(withText(key, change))).toBe(false);
  });

  test('a certificate labelled with another algorithm, and bytes that are no certificate', () => {
    const key = recordedKey('rsa2048');

    expect(speaks(key.as({ ...key.listed, type: 'ecdsa-x509' }))).toBe(false);
    expect(speaks(key.as({ ...key.listed, type: 'other-x509' }))).toBe(false);
    expect(speaks(withText(key, (pem) => pem.replace(/[A-Z]/g, 'A')))).toBe(false);
    expect(speaks(withText(key, () => ''))).toBe(false);
  });

  test('does not spoil the good one beside it', async () => {
    const good = await makeRootKey(GUN, at(-1));
    const bad = [recordedKey('sha1'), recordedKey('rsa1024'), makeKey()];
    const root = rootOf(...bad, good);

    expect([...rootKeys(root, GUN, NOW).keys()]).toEqual([good.id]);
  });
});

describe('readCertificate', () => {
  const der = decodePem(recordedPem('chained'))[0]?.bytes ?? new Uint8Array();

  test('reads name, validity and algorithm', () => {
    const fields = readCertificate(der);

    expect(fields).toMatchObject({ commonName: GUN, strongSignature: true });
    expect(fields.notAfter.getUTCFullYear() - fields.notBefore.getUTCFullYear()).toBe(100);
    expect(readCertificate(decodePem(recordedPem('sha1'))[0]?.bytes ?? der).strongSignature).toBe(false);
  });

  test('S22 every truncation is a typed refusal', () => {
    for (let length = 0; length < der.length; length += 7)
      refused(() => readCertificate(der.subarray(0, length)), { name: 'MetadataError', code: 'malformed' });
  });
});
