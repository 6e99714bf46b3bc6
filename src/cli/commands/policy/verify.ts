// SPDX-License-Identifier: Apache-2.0
import type { Allowed, Decision } from '../../../policy/index.ts';
import { familiarName, gun, type ImageReference } from '../../../registry/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { openPolicyEngine, policyInForce } from '../../policy-in-force.ts';
import { RefusedByPolicy } from '../../refused-by-policy.ts';
import { trustDirectory } from '../../settings.ts';

/** The policy's approval of an image; what a rule lets through though it is refused, or unverified, is told. @throws RefusedByPolicy */
export async function decideByPolicy(
  { io, globals }: CommandContext,
  reference: ImageReference,
): Promise<Extract<Decision, Allowed>> {
  const policy = policyInForce(io, globals);
  if (policy === undefined) throw new Error('there is no policy');
  const engine = openPolicyEngine(io, globals, policy, { point: 'cli', directory: trustDirectory(io, globals) });
  try {
    const decision = await engine.decide(reference);
    if (decision.outcome !== 'allow') throw new RefusedByPolicy(decision);
    if (decision.overruled !== undefined)
      io.stderr.write(`Warning: let through in mode ${decision.mode}: ${decision.overruled.message}\n`);
    else if (!decision.verified) io.stderr.write(`Warning: rule ${decision.rule} lets it through unverified\n`);
    return decision;
  } finally {
    engine.close();
  }
}

/** `hallmark verify REF` where a policy is in force: only what was verified is an answer. */
export async function verifyByPolicy(context: CommandContext, reference: ImageReference): Promise<void> {
  const { io, globals } = context;
  const decision = await decideByPolicy(context, reference);
  const { verified, digest, size, signers, expires, rule } = decision;
  if (!verified || digest === undefined) throw new RefusedByPolicy(unverified(decision));
  const tag = reference.tag ?? decision.tag;
  const name = `${familiarName(reference)}${tag === undefined ? '' : `:${tag}`}@${digest}`;
  const answer = {
    reference: name,
    gun: decision.gun ?? gun(reference),
    tag,
    digest,
    size,
    signers,
    expires: expires?.toISOString(),
    rule,
  };
  if (globals.json) io.stdout.write(jsonText(answer));
  else io.stdout.write(`${name}\n`);
}

/** "Is it trusted?" is answered by evidence, whatever the rule lets through. */
function unverified(decision: Extract<Decision, Allowed>): ConstructorParameters<typeof RefusedByPolicy>[0] {
  const { reference, gun: name, rule, mode, steps, overruled } = decision;
  const refusal =
    overruled ?? ({ outcome: 'deny', code: 'unsigned', step: 'rule', message: 'nothing of it was verified' } as const);
  return { ...refusal, reference, gun: name, rule, mode, steps };
}
