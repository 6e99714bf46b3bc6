// SPDX-License-Identifier: Apache-2.0
import type { Decision } from '../../../policy/index.ts';
import type { CommandContext } from '../../context.ts';
import { ExitCode } from '../../exit-codes.ts';
import { jsonText } from '../../json-text.ts';
import { openPolicyEngine, policyInForce } from '../../policy-in-force.ts';
import { trustDirectory } from '../../settings.ts';
import { PartialFailure, UsageError } from '../../usage-error.ts';

/** `hallmark policy explain REF`: the decision step by step; its exit code is that of `verify`. */
export async function explain({ io, globals }: CommandContext, reference: string): Promise<void> {
  const policy = policyInForce(io, globals);
  if (policy === undefined) throw new UsageError('there is no policy: name one with --policy FILE or HALLMARK_POLICY');
  const engine = openPolicyEngine(io, globals, policy, { point: 'cli', directory: trustDirectory(io, globals) });
  try {
    const decision = await engine.decide(reference);
    if (globals.json) io.stdout.write(jsonText(decision));
    else io.stdout.write(textOf(decision));
    if (decision.outcome !== 'allow') throw toldAbove(decision);
  } finally {
    engine.close();
  }
}

/** The answer has the reason already; stderr says no more than what it came to. */
function toldAbove({ reference, outcome }: Decision): PartialFailure {
  if (outcome === 'deny') return new PartialFailure(`error: ${reference}: denied`, ExitCode.notTrusted);
  return new PartialFailure(`error: ${reference}: unavailable`, ExitCode.failed);
}

const WIDTH = 12;

/** The step that decided says why; the last line says what that comes to. */
function textOf(decision: Decision): string {
  const steps = decision.steps.map(
    ({ step, result, text }) => `  ${step.padEnd(WIDTH)}${result === 'ok' ? '' : `${result}: `}${text}\n`,
  );
  return `${decision.reference}\n${steps.join('')}${verdictOf(decision)}\n`;
}

function verdictOf(decision: Decision): string {
  if (decision.outcome === 'deny') return `denied (${decision.code})`;
  if (decision.outcome === 'unavailable') return `unavailable (${decision.code})`;
  const digest = decision.digest === undefined ? '' : `: ${decision.digest}`;
  if (decision.overruled !== undefined)
    return `let through in mode ${decision.mode} (${decision.overruled.code})${digest}`;
  return `${decision.verified ? 'allowed' : 'allowed unverified'}${digest}`;
}
