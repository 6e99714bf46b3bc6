// SPDX-License-Identifier: Apache-2.0
import { loadPolicy } from '../policy/index.ts';
import { type CheckResult, certificateCheck, type NamedCheck, runChecks } from '../service/config/index.ts';
import { loadTlsIdentity } from '../service/index.ts';
import type { GatewayConfig } from './config.ts';

/** Tries all that a gateway's configuration names on this machine, and changes nothing; no registry is asked. */
export function checkGateway({ tls, policy }: GatewayConfig, now: Date): Promise<readonly CheckResult[]> {
  const checks: readonly NamedCheck[] = [
    ...(tls === undefined ? [] : [certificateCheck(() => loadTlsIdentity(tls.cert, tls.key, now), now)]),
    ['policy', () => policyCheck(policy)],
  ];
  return runChecks({ warnings: [], checks, secrets: [tls?.key] });
}

async function policyCheck(file: string) {
  const { warnings } = loadPolicy(file);
  return warnings.length === 0 ? `${file} can be obeyed` : { warning: warnings.join('; ') };
}
