// SPDX-License-Identifier: Apache-2.0
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Row } from '../row.ts';
import { hallmark } from '../support/programs.ts';
import { benchGun, publishTargets, targetOf } from '../support/publishing.ts';
import { type RunningServer, startHallmark } from '../support/servers.ts';
import { inTurns, median, timeProcess } from '../support/timing.ts';
import { environment, freePort, type Workspace } from '../support/workspace.ts';

const GOAL = '< 50 ms';

/** What containerd waits for at each pull: the whole process of the verifier, by the agent's answer and alone. */
export const imageVerifier: Row = {
  name: 'image-verifier',
  title: 'Image verifier of containerd: whole process, trusted state there, the trust server asked over TLS if need be',
  needs: [],
  async measure(workspace, { processPairs }) {
    const trust = await startHallmark(workspace);
    const gun = benchGun('verified');
    const target = targetOf('an image');
    await publishTargets(trust, gun, new Map([['1', target]]));
    const places = prepare(workspace, trust, `${gun.split('/')[0]}/**`);
    await startAgent(workspace, places);
    const sha256 = Buffer.from(target.hashes.get('sha256') ?? []).toString('hex');
    const question = ['-name', `${gun}:1`, '-digest', `sha256:${sha256}`];
    const ask = (socket: string) => () =>
      timeProcess({ argv: [places.program, ...question], env: { ...places.env, HALLMARK_AGENT_SOCKET: socket } }, /./);
    const [byAgent, alone] = [ask(places.socket), ask('/nonexistent')];
    await inTurns(2, byAgent, alone);
    const { a, b } = await inTurns(processPairs, byAgent, alone);
    return [
      { what: 'with the agent', unit: 'ms', hallmark: median(a), goal: GOAL },
      { what: 'alone', unit: 'ms', hallmark: median(b), goal: GOAL },
    ];
  },
};

interface Places {
  /** By the name that containerd calls. */
  readonly program: string;
  readonly socket: string;
  readonly directory: string;
  readonly env: Record<string, string> & { readonly HALLMARK_POLICY: string };
}

function prepare(workspace: Workspace, trust: RunningServer, images: string): Places {
  const directory = workspace.makeDirectory('image-verifier');
  const program = join(directory, 'hallmark-image-verifier');
  symlinkSync(hallmark, program);
  const rule = { images, server: trust.url, ca: trust.caFile, 'first-use': true };
  const policy = join(directory, 'policy.yaml');
  writeFileSync(policy, JSON.stringify({ version: 1, rules: [rule] }), { mode: 0o600 });
  // the verifier alone has a state of its own: it and the agent are measured beside each other
  const env = { ...environment(directory), HALLMARK_POLICY: policy, HALLMARK_STATE: join(directory, 'state') };
  return { program, socket: join(directory, 'agent.sock'), directory, env };
}

async function startAgent(workspace: Workspace, { socket, directory, env }: Places): Promise<void> {
  const port = freePort();
  const argv = [hallmark, 'agent', '--policy', env.HALLMARK_POLICY, '--socket', socket];
  const own = ['--state', join(directory, 'agent'), '--operations', `127.0.0.1:${port}`];
  await workspace.start([...argv, ...own], port, directory);
}
