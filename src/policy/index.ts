// SPDX-License-Identifier: Apache-2.0
/**
 * Which images need which trust: one file for every enforcement point and the command line, and one function that decides. It
 * turns a reference into an approval with the digest to use, a denial, or "could not be had", each with its reasons. It never
 * fetches an image, never asks a registry what a tag means, and never lets through what it could not judge.
 *
 *     const policy = loadPolicy('/etc/hallmark/policy.yaml');
 *     const engine = new PolicyEngine({ policy, directory: '/var/lib/hallmark', point: 'gateway', clock: () => new Date() });
 *     const decision = await engine.decide('registry.example.com/acme/app:1.4');
 *     if (decision.outcome === 'allow') decision.digest;           // what may be used, and nothing else
 *     else decision.code;                                          // 'unsigned', 'missing-signers', 'unreachable', …
 */

export { CONVERTIBLE, ConversionError, type Convertible, convertPolicy } from './convert/index.ts';
export { decisionCounters } from './counters.ts';
export type { Allowed, Decision, Refusal } from './decision.ts';
export { PolicyEngine, type PolicyEngineOptions } from './engine.ts';
export { PolicyError } from './errors.ts';
export { loadPolicy, parsePolicy, parseYamlDocuments, readPolicyFile } from './load.ts';
export {
  type DecisionLabels,
  type DecisionObserver,
  type DecisionRecord,
  decisionText,
  type EnforcementPoint,
} from './observe.ts';
export { canonicalDomain } from './pattern.ts';
export { chooseRule, type Policy, type VerifyTerms } from './policy.ts';
export { refusalText } from './refusal-text.ts';
export { policySchema } from './schema.ts';
export { trustServerFetch } from './trust-server-fetch.ts';
