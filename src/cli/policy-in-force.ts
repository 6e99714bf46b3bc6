// SPDX-License-Identifier: Apache-2.0
import {
  chooseRule,
  type DecisionObserver,
  type EnforcementPoint,
  loadPolicy,
  type Policy,
  PolicyEngine,
  type VerifyTerms,
} from '../policy/index.ts';
import { dockerCredentials, type ImageReference } from '../registry/index.ts';
import type { Io } from './io.ts';
import { policyPath } from './policy-place.ts';
import type { GlobalOptions } from './settings.ts';
import { tlsFilesFor, tlsTransport } from './tls-files.ts';
import { UsageError } from './usage-error.ts';

/** The policy in force, if there is one. @throws PolicyError, UsageError */
export function policyInForce(io: Io, options: GlobalOptions): Policy | undefined {
  const path = policyPath(io, options);
  if (path === undefined) return undefined;
  if (options.server !== undefined)
    throw new UsageError(`--server cannot be used where a policy says which trust server holds: ${path}`);
  return loadPolicy(path);
}

/** Server, authority and pins of the rule for an image. */
export function termsFor(policy: Policy | undefined, reference: ImageReference): VerifyTerms | undefined {
  if (policy === undefined) return undefined;
  const { terms } = chooseRule(policy, reference).rule;
  return terms.kind === 'verify' ? terms : undefined;
}

export interface EngineSettings {
  readonly point: EnforcementPoint;
  /** Trust directory of the engine. */
  readonly directory: string;
  readonly observer?: DecisionObserver;
}

/** An engine with the user's logins and TLS files; a rule's own authority comes before them. */
export function openPolicyEngine(
  io: Io,
  options: GlobalOptions,
  policy: Policy,
  settings: EngineSettings,
): PolicyEngine {
  return new PolicyEngine({
    ...settings,
    policy,
    clock: () => io.now(),
    credentials: (domain) => dockerCredentials(domain, { env: io.env }),
    transport: (server, ca) => tlsTransport(ca === undefined ? tlsFilesFor(io, options, server) : { ca: [ca] }),
  });
}
