// SPDX-License-Identifier: Apache-2.0
import { decisionText, type PolicyEngine } from '../policy/index.ts';
import type { Answer, Question } from './question.ts';

/**
 * The policy's decision about content that somebody else resolved: the name has to mean this very digest (S24: what was
 * verified is what is used).
 */
export async function judge(engine: Pick<PolicyEngine, 'decide'>, { name, digest }: Question): Promise<Answer> {
  const at = name.indexOf('@');
  // a pull by digest names it already; another one than was resolved is a contradiction, never a choice
  if (at >= 0 && name.slice(at + 1) !== digest)
    return { allowed: false, reason: `${name} was resolved to another digest: ${digest}` };
  const decision = await engine.decide(at >= 0 ? name : `${name}@${digest}`);
  if (decision.outcome !== 'allow') return { allowed: false, reason: `${name}: ${decisionText(decision)}` };
  return (
    (at < 0 ? await movedTag(engine, { name, digest }) : undefined) ?? {
      allowed: true,
      reason: `${name}: ${decisionText(decision)}`,
    }
  );
}

/**
 * A rule may let through digests that are asked for (`any`, `signed-ever`). Here nobody asked for one: the registry said
 * what the tag means, and only trust data may.
 */
async function movedTag(engine: Pick<PolicyEngine, 'decide'>, { name, digest }: Question): Promise<Answer | undefined> {
  const decision = await engine.decide(name);
  if (decision.outcome !== 'allow') return { allowed: false, reason: `${name}: ${decisionText(decision)}` };
  const isEnforced = decision.mode === 'enforce';
  if (!isEnforced || !decision.verified || decision.digest === digest) return undefined;
  return { allowed: false, reason: `${name} was resolved to ${digest}, but ${decision.digest} was signed` };
}
