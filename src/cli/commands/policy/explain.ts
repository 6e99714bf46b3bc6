// SPDX-License-Identifier: Apache-2.0
import { type Decision, decisionText } from '../../../policy/index.ts';
import type { CommandContext } from '../../context.ts';
import { openPolicyEngine, policyInForce } from '../../policy-in-force.ts';
import { RefusedByPolicy } from '../../refused-by-policy.ts';
import { trustDirectory } from '../../settings.ts';
import { UsageError } from '../../usage-error.ts';

/** `hallmark policy explain REF`: the decision step by step; its exit code is that of `verify`. */
export async function explain({ io, globals }: CommandContext, reference: string): Promise<void> {
  const policy = policyInForce(io, globals);
  if (policy === undefined) throw new UsageError('there is no policy: name one with --policy FILE or HALLMARK_POLICY');
  const engine = openPolicyEngine(io, globals, policy, { point: 'cli', directory: trustDirectory(io, globals) });
  try {
    const decision = await engine.decide(reference);
    if (globals.json) io.stdout.write(`${JSON.stringify(decision, null, 2)}\n`);
    else io.stdout.write(textOf(decision));
    if (decision.outcome !== 'allow') throw new RefusedByPolicy(decision);
  } finally {
    engine.close();
  }
}

const WIDTH = 12;

function textOf(decision: Decision): string {
  const steps = decision.steps.map(
    ({ step, result, text }) => `  ${step.padEnd(WIDTH)}${result === 'ok' ? '' : `${result}: `}${text}\n`,
  );
  const digest = decision.outcome === 'allow' && decision.digest !== undefined ? `: ${decision.digest}` : '';
  return `${decision.reference}\n${steps.join('')}${decisionText(decision)}${digest}\n`;
}
