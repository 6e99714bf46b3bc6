// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { stringify } from 'yaml';
import { parsePolicy } from '../index.ts';
import { ConversionError, convertPolicy } from './index.ts';

const pem = (type: 'ec' | 'ed25519') => {
  const pair = type === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
  return pair.publicKey.export({ format: 'pem', type: 'spki' }) as string;
};
const rules = (from: 'connaisseur' | 'portieris', value: unknown) => {
  const { document, notes } = convertPolicy(from, value);
  const policy = parsePolicy(stringify(document), 'converted');
  return { document, notes, policy };
};

describe("Connaisseur's values", () => {
  const validators = [
    { name: 'allow', type: 'static', approve: true },
    { name: 'deny', type: 'static', approve: false },
    {
      name: 'default',
      type: 'notaryv1',
      host: 'notary.example.com:4443',
      cert: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      auth: { secretName: 's' },
      trustRoots: [
        { name: 'default', key: pem('ec') },
        { name: 'other', key: pem('ed25519') },
      ],
    },
    { name: 'hub', type: 'notaryv1', trustRoots: [{ name: 'default', key: pem('ec') }] },
    { name: 'cosign', type: 'cosign', trustRoots: [] },
  ];
  const values = (policy: object[], features: object = {}) => ({ application: { validators, policy, features } });

  test('validators of type notaryv1 become servers, pins and signers; static ones actions', () => {
    const { document, policy } = rules(
      'connaisseur',
      values([
        { pattern: '*:*', validator: 'deny' },
        { pattern: 'docker.io/library/*:*', validator: 'hub' },
        { pattern: 'r.io/acme/*:*', with: { trustRoot: '*', delegations: ['alice', 'bob'] } },
        { pattern: 'registry.k8s.io/*:*', validator: 'allow' },
        { pattern: 'r.io/acme/app:v1*' },
      ]),
    );
    expect(document.rules).toMatchObject([
      { images: '**', action: 'deny' },
      { images: 'docker.io/library/**', server: 'https://notary.docker.io' },
      {
        images: 'r.io/acme/**',
        server: 'https://notary.example.com:4443',
        ca: expect.stringContaining('BEGIN CERTIFICATE'),
        signers: ['alice', 'bob'],
        pins: {
          keys: { 'r.io/acme/*': [expect.stringMatching(/^[0-9a-f]{64}$/), expect.stringMatching(/^[0-9a-f]{64}$/)] },
        },
      },
      { images: 'registry.k8s.io/**', action: 'allow' },
      { images: 'r.io/acme/app:v1*', pins: { keys: { 'r.io/acme/app': [expect.any(String)] } } },
    ]);
    expect(policy.rules.at(-1)?.terms.kind).toBe('deny');
  });

  test('what is no Docker Content Trust is denied and told', () => {
    const { document, notes } = rules(
      'connaisseur',
      values([
        { pattern: 'r.io/a', validator: 'cosign' },
        { pattern: 'r.io/b', validator: 'none' },
        { pattern: 'r.io/c', with: { mode: 'insecure' } },
      ]),
    );
    expect(document.rules.slice(0, 2)).toEqual([
      { images: 'r.io/a', action: 'deny' },
      { images: 'r.io/b', action: 'deny' },
    ]);
    for (const text of ['of type cosign', 'no validator none', 'with.mode is not', 'logins of trust servers'])
      expect(notes.some((note) => note.includes(text))).toBe(true);
  });

  test('a star covers slashes there: what is deeper is covered here as well, or told', () => {
    const policy = [
      { pattern: 'r.io/team*:v1', validator: 'deny' },
      { pattern: 'r.io/team-a*:*' },
      { pattern: '*/evil:*', validator: 'deny' },
    ];
    const { document, notes } = rules('connaisseur', values(policy));
    expect(document.rules).toMatchObject([
      { images: ['r.io/team*:v1', 'r.io/team*/**:v1'] },
      { images: ['r.io/team-a*', 'r.io/team-a*/**'], pins: { keys: { 'r.io/team-a*': [expect.any(String)] } } },
      { images: '*/evil' },
    ]);
    expect(notes).toContain('r.io/team*:v1: what only begins so is not covered here, and was there');
    expect(notes).toContain('*/evil: a * before the end covers one part of a name alone');
  });

  test('detection mode is mode warn for all, the default too', () => {
    const { document } = rules('connaisseur', values([{ pattern: '*:*', validator: 'deny' }], { detectionMode: true }));
    expect(document).toMatchObject({ default: { action: 'deny', mode: 'warn' }, rules: [{ mode: 'warn' }] });
  });

  test('a trust root that is not there, or no key, is an error', () => {
    expect(() => rules('connaisseur', values([{ pattern: 'r.io/a', with: { trustRoot: 'x' } }]))).toThrow(
      ConversionError,
    );
    const broken = [{ name: 'default', type: 'notaryv1', trustRoots: [{ name: 'default', key: 'x' }] }];
    expect(() => rules('connaisseur', { validators: broken, policy: [{ pattern: 'r.io/a' }] })).toThrow(
      'not a public key',
    );
  });
});

describe("Portieris' policies", () => {
  const policy = (repositories: object[]) => ({
    apiVersion: 'portieris.cloud.ibm.com/v1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'p' },
    spec: { repositories },
  });

  test('trust becomes a rule with its server and signers; no trust lets through; simple signing is denied', () => {
    const { document, notes } = rules(
      'portieris',
      policy([
        { name: '*', policy: {} },
        {
          name: 'r.io/*',
          policy: { trust: { enabled: true, trustServer: 'https://n.io', signerSecrets: [{ name: 'alice' }] } },
        },
        { name: 'r.io/simple/*', policy: { simple: { requirements: [] }, trust: { enabled: true } } },
        { name: 'r.io/team-*', policy: { trust: { enabled: true }, mutateImage: false } },
      ]),
    );
    expect(document.rules).toEqual([
      { images: '**', action: 'allow' },
      { images: 'r.io/**', server: 'https://n.io', 'first-use': true, signers: ['alice'] },
      { images: 'r.io/simple/**', action: 'deny' },
      { images: ['r.io/team-*', 'r.io/team-*/**'], 'first-use': true },
    ]);
    for (const text of ['secret alice', 'simple signing', 'mutateImage', 'trusted on first use'])
      expect(notes.some((note) => note.includes(text))).toBe(true);
  });

  test('a list of policies is taken as one', () => {
    const one = policy([{ name: 'r.io/a', policy: {} }]);
    const namespaced = {
      ...one,
      kind: 'ImagePolicy',
      metadata: { name: 'n', namespace: 'x' },
      spec: { repositories: [{ name: 'r.io/b' }] },
    };
    const { document, notes } = rules('portieris', { items: [one, namespaced] });
    expect(document.rules).toHaveLength(2);
    expect(notes).toContain('n holds in namespace x alone, and here everywhere');
  });

  test.each([[null], ['x'], [{}], [{ kind: 'Pod', spec: {} }], [{ items: [] }], [policy([])]])(
    'S22 %p is an error',
    (value) => {
      expect(() => convertPolicy('portieris', value)).toThrow(ConversionError);
      expect(() => convertPolicy('connaisseur', value)).toThrow(ConversionError);
    },
  );
});
