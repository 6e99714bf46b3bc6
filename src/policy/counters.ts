// SPDX-License-Identifier: Apache-2.0
import { DENY_CODES, UNAVAILABLE_CODES } from './decision.ts';
import type { DecisionLabels, EnforcementPoint } from './observe.ts';

/** Makes a counter whose labels have the values given and no others, as a registry of metrics does. */
export type MakeCounter = (
  name: string,
  help: string,
  labels: Readonly<Record<string, readonly string[]>>,
) => (values: Readonly<Record<string, string>>) => void;

/** The counters of decisions, alike at every enforcement point (S23: no value of a label comes from outside). */
export function decisionCounters(counter: MakeCounter, point: EnforcementPoint): (labels: DecisionLabels) => void {
  const decisions = counter('hallmark_decisions_total', 'Decisions about images', {
    point: [point],
    mode: ['enforce', 'warn', 'audit'],
    outcome: ['allow', 'deny', 'unavailable', 'overruled'],
  });
  const refusals = counter('hallmark_refusals_total', 'What was held against images, let through or not', {
    point: [point],
    code: [...DENY_CODES, ...UNAVAILABLE_CODES],
  });
  return ({ mode, outcome, code }) => {
    decisions({ point, mode, outcome });
    if (code !== 'none') refusals({ point, code });
  };
}
