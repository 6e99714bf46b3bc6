// SPDX-License-Identifier: Apache-2.0
import { decisionCounters, type EnforcementPoint, loadPolicy, type PolicyEngine } from '../../../policy/index.ts';
import { Health, operationsApp } from '../../../service/health/index.ts';
import { type Listener, type Log, listen, openLog } from '../../../service/index.ts';
import { Metrics } from '../../../service/metrics/index.ts';
import { listenAddress } from '../../address.ts';
import type { CommandContext } from '../../context.ts';
import { openPolicyEngine } from '../../policy-in-force.ts';
import { UsageError } from '../../usage-error.ts';

export interface EnforcementOptions {
  /** Where what was trusted is remembered. */
  readonly state: string;
  /** HOST:PORT of /live, /ready and /metrics. */
  readonly operations?: string;
}

/** What every service that enforces the policy stands on. */
export interface OpenedPoint {
  readonly engine: PolicyEngine;
  readonly log: Log;
  close(): Promise<void>;
}

/**
 * The policy with its log and counters, and the listener of operations if one is asked for.
 * @param policyFile `--policy`, unless the service has a place for it
 * @throws UsageError, PolicyError, ListenError
 */
export async function openEnforcementPoint(
  { io, globals }: CommandContext,
  point: EnforcementPoint,
  { state, operations }: EnforcementOptions,
  policyFile = globals.policy,
): Promise<OpenedPoint> {
  if (policyFile === undefined) throw new UsageError('name the policy with --policy FILE');
  const policy = loadPolicy(policyFile);
  for (const warning of policy.warnings) io.stderr.write(`Warning: ${warning}\n`);
  const log = openLog('info');
  const metrics = new Metrics();
  const count = decisionCounters((...about) => metrics.counter(...about), point);
  const observer = {
    log: (level: 'info' | 'warn', record: object, message: string) => log[level](record, message),
    count,
  };
  const engine = openPolicyEngine(io, globals, policy, { point, directory: state, observer });
  const health = new Health({ checks: {}, log });
  let listener: Listener | undefined;
  try {
    if (operations !== undefined)
      listener = listen({
        fetch: operationsApp({ health, metrics }),
        tls: 'plain',
        ...listenAddress(operations, '--operations'),
      });
  } catch (error) {
    engine.close();
    throw error;
  }
  return {
    engine,
    log,
    async close() {
      health.drain();
      await listener?.stop();
      engine.close();
    },
  };
}
