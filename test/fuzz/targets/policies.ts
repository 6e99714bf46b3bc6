// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '../../../src/encoding/index.ts';
import {
  CONVERTIBLE,
  ConversionError,
  chooseRule,
  convertPolicy,
  PolicyError,
  parsePolicy,
  parseYamlDocuments,
} from '../../../src/policy/index.ts';
import { InvalidReferenceError, parseReference } from '../../../src/registry/index.ts';
import { type FuzzTarget, holds } from '../fuzz-target.ts';

const POLICIES = [
  `version: 1
recheck: 5s
default: { action: deny }
rules:
  - images: registry.example.com/acme/**
    server: https://notary.example.com
    pins: { keys: { "registry.example.com/acme/*": [${'ab'.repeat(32)}] } }
    signers: { at-least: 2, of: [alice, bob, carol] }
    digests: { signed-ever: 30d }
  - images: registry.corp/mirror/**
    identity: docker.io/**
    first-use: true
    mode: audit
  - images: registry.k8s.io/pause
    action: pinned
    pinned: { tags: { '3.9': 'sha256:${'cd'.repeat(32)}' } }
`,
  'version: 1\nrules: [{ images: "**", first-use: true }]\n',
];
const FOREIGN = `kind: ClusterImagePolicy
apiVersion: portieris.cloud.ibm.com/v1
metadata: { name: default }
spec:
  repositories:
    - name: "*"
      policy: { trust: { enabled: true, trustServer: "https://trust.example.com" } }
---
validators:
  - name: default
    type: notaryv1
    host: trust.example.com
    trustRoots: [{ name: default, key: x }]
policy:
  - pattern: "*:*"
    validator: default
`;

function readPolicy(input: Uint8Array): void {
  const policy = parsePolicy(new TextDecoder().decode(input), 'policy.yaml');
  holds(Object.isFrozen(Object.prototype) || !('polluted' in {}), 'nothing is planted in objects');
  try {
    chooseRule(policy, parseReference('registry.example.com/acme/app:1'));
  } catch (error) {
    if (!(error instanceof InvalidReferenceError)) throw error;
  }
}

function readForeign(input: Uint8Array): void {
  for (const value of parseYamlDocuments(new TextDecoder().decode(input), 'policy.yaml')) {
    for (const from of CONVERTIBLE) {
      try {
        convertPolicy(from, value);
      } catch (error) {
        if (!(error instanceof ConversionError)) throw error;
      }
    }
  }
}

export const POLICY_TARGETS: readonly FuzzTarget[] = [
  { name: 'policy', corpus: () => POLICIES.map(encodeUtf8), refusals: [PolicyError], read: readPolicy },
  {
    name: 'foreign-policy',
    corpus: () => [FOREIGN, ...FOREIGN.split('---\n')].map(encodeUtf8),
    refusals: [PolicyError],
    read: readForeign,
  },
];
