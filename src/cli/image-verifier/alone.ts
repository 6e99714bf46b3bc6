// SPDX-License-Identifier: Apache-2.0
import { type Answer, judge, type Question } from '../../image-verifier/index.ts';
import { loadPolicy } from '../../policy/index.ts';
import type { Io } from '../io.ts';
import { openPolicyEngine } from '../policy-in-force.ts';
import { AGENT_POLICY, AGENT_STATE } from './places.ts';

/** @throws PolicyError, TrustDirectoryError */
export async function judgeAlone(io: Io, question: Question): Promise<Answer> {
  const policy = loadPolicy(io.env.HALLMARK_POLICY || AGENT_POLICY);
  const directory = io.env.HALLMARK_STATE || AGENT_STATE;
  const engine = openPolicyEngine(io, {}, policy, { point: 'image-verifier', directory });
  try {
    return await judge(engine, question);
  } finally {
    engine.close();
  }
}
