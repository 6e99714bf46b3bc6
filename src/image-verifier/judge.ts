// SPDX-License-Identifier: Apache-2.0
import { decisionText, type PolicyEngine, refusalText } from '../policy/index.ts';
import { parseDigest } from '../registry/index.ts';
import type { Answer, Question } from './question.ts';

/**
 * The policy's decision about content that somebody else resolved: the name has to mean this very digest (S24: what was
 * verified is what is used).
 */
export async function judge(engine: Pick<PolicyEngine, 'decide'>, { name, digest }: Question): Promise<Answer> {
  const decision = await engine.decide(name, parseDigest(digest));
  if (decision.outcome === 'allow') return { allowed: true, reason: `${name}: ${decisionText(decision)}` };
  return { allowed: false, reason: `${name}: ${refusalText(decision, decision.rule)}` };
}
