// SPDX-License-Identifier: Apache-2.0
import { agentHandler } from '../../image-verifier/index.ts';
import { type DecisionObserver, loadPolicy } from '../../policy/index.ts';
import { listenUnix, openLog } from '../../service/index.ts';
import type { CommandContext } from '../context.ts';
import { AGENT_POLICY } from '../image-verifier/places.ts';
import { openPolicyEngine } from '../policy-in-force.ts';

export interface AgentOptions {
  readonly socket: string;
  readonly state: string;
}

const OWNER_ONLY = 0o600;

/** `hallmark agent`: answers the image verifiers of this machine until it is told to stop. */
export async function agent({ io, globals }: CommandContext, { socket, state }: AgentOptions): Promise<void> {
  const policy = loadPolicy(globals.policy ?? AGENT_POLICY);
  const log = openLog('info');
  const observer: DecisionObserver = { log: (level, record, message) => log[level](record, message), count: () => {} };
  const engine = openPolicyEngine(io, globals, policy, { point: 'image-verifier', directory: state, observer });
  const listener = await listenUnix({ fetch: agentHandler(engine), path: socket, mode: OWNER_ONLY });
  io.stdout.write(`ready socket=${socket}\n`);
  await io.untilStopped();
  await listener.stop();
  engine.close();
}
