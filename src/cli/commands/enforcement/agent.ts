// SPDX-License-Identifier: Apache-2.0
import { agentHandler } from '../../../image-verifier/index.ts';
import { listenUnix } from '../../../service/index.ts';
import type { CommandContext } from '../../context.ts';
import { AGENT_POLICY } from '../../image-verifier/places.ts';
import { type EnforcementOptions, openEnforcementPoint } from './enforcement-point.ts';

export interface AgentOptions extends EnforcementOptions {
  readonly socket: string;
}

const OWNER_ONLY = 0o600;

/** `hallmark agent`: answers the image verifiers of this machine until it is told to stop. */
export async function agent(context: CommandContext, options: AgentOptions): Promise<void> {
  const { io, globals } = context;
  const { socket } = options;
  const point = await openEnforcementPoint(context, 'image-verifier', options, globals.policy ?? AGENT_POLICY);
  try {
    const listener = await listenUnix({ fetch: agentHandler(point.engine), path: socket, mode: OWNER_ONLY });
    io.stdout.write(`ready socket=${socket}\n`);
    await io.untilStopped();
    await listener.stop();
  } finally {
    await point.close();
  }
}
