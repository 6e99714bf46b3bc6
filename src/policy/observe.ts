// SPDX-License-Identifier: Apache-2.0
import type { Decision, DenyCode, UnavailableCode } from './decision.ts';
import type { Mode } from './policy.ts';

/** Who asks: where in a system the policy is enforced. */
export type EnforcementPoint = 'gateway' | 'admission' | 'engine-proxy' | 'image-verifier' | 'cli';

/** One decision as it is written to a log, by every enforcement point alike. It holds no secret. */
export interface DecisionRecord {
  readonly event: 'decision';
  readonly point: EnforcementPoint;
  readonly reference: string;
  readonly gun?: string;
  readonly rule: string;
  readonly mode: Mode;
  readonly outcome: 'allow' | 'deny' | 'unavailable';
  readonly verified?: boolean;
  /** True if the image was refused and mode `warn` or `audit` let it through. */
  readonly overruled?: true;
  readonly code?: DenyCode | UnavailableCode;
  readonly step?: string;
  readonly reason?: string;
  readonly digest?: string;
  readonly ms: number;
}

/** Labels of a counter: each has few values, none of which comes from outside (S23). */
export interface DecisionLabels {
  readonly point: EnforcementPoint;
  readonly mode: Mode;
  readonly outcome: 'allow' | 'deny' | 'unavailable' | 'overruled';
  /** `none` for an image that nothing was held against. */
  readonly code: DenyCode | UnavailableCode | 'none';
}

/** Who is told of decisions. What it throws is not caught: it must not throw. */
export interface DecisionObserver {
  /** `level` is `warn` for whatever was refused, overruled or not (S29). */
  log(level: 'info' | 'warn', record: DecisionRecord, message: string): void;
  count(labels: DecisionLabels): void;
}

/** Tells an observer of a decision. */
export function observe(observer: DecisionObserver, point: EnforcementPoint, decision: Decision, ms: number): void {
  const refusal = decision.outcome === 'allow' ? decision.overruled : decision;
  const { reference, gun, rule, mode, outcome } = decision;
  const record: DecisionRecord = {
    event: 'decision',
    point,
    reference,
    ...(gun === undefined ? {} : { gun }),
    rule,
    mode,
    outcome,
    ...(decision.outcome === 'allow' ? { verified: decision.verified } : {}),
    ...(decision.outcome === 'allow' && refusal !== undefined ? { overruled: true } : {}),
    ...(refusal === undefined ? {} : { code: refusal.code, step: refusal.step, reason: refusal.message }),
    ...(decision.outcome === 'allow' && decision.digest !== undefined ? { digest: decision.digest } : {}),
    ms: Math.round(ms * 10) / 10,
  };
  observer.log(refusal === undefined ? 'info' : 'warn', record, decisionText(decision));
  const overruled = decision.outcome === 'allow' && refusal !== undefined;
  observer.count({ point, mode, outcome: overruled ? 'overruled' : outcome, code: refusal?.code ?? 'none' });
}

/** The decision in one line. */
export function decisionText(decision: Decision): string {
  if (decision.outcome !== 'allow')
    return `${decision.outcome === 'deny' ? 'denied' : 'unavailable'}: ${decision.message}`;
  if (decision.overruled !== undefined) return `let through in mode ${decision.mode}: ${decision.overruled.message}`;
  return decision.verified ? 'allowed' : 'allowed unverified';
}
