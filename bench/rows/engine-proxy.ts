// SPDX-License-Identifier: Apache-2.0
import { dockerTarget, parseGun } from '../../src/tuf/index.ts';
import type { Row } from '../row.ts';
import { pushImage, startDockerd, startEngineProxy } from '../support/engine.ts';
import { startRegistry } from '../support/gateway.ts';
import { program } from '../support/programs.ts';
import { publishTargets } from '../support/publishing.ts';
import { startHallmark } from '../support/servers.ts';
import { inTurns, median, timeProcess } from '../support/timing.ts';
import { environment } from '../support/workspace.ts';

/** What `docker pull` of an image that is there already costs through the engine proxy, beside the engine itself. */
export const engineProxy: Row = {
  name: 'engine-proxy',
  title: "Engine proxy before Debian's dockerd, against dockerd alone: whole process of the docker CLI",
  needs: ['docker', 'dockerd', 'docker-registry', 'tar'],
  async measure(workspace, { processPairs }) {
    const [registry, trust] = [await startRegistry(workspace), await startHallmark(workspace)];
    const engine = await startDockerd(workspace);
    const repository = `${registry.name}/bench/warm`;
    const digest = pushImage(workspace, engine, `${repository}:1`);
    const manifest = await registry.fetch(`${registry.url}/v2/bench/warm/manifests/${digest}`, {});
    const length = (await manifest.arrayBuffer()).byteLength;
    const target = dockerTarget(Buffer.from(digest.slice('sha256:'.length), 'hex'), length);
    await publishTargets(trust, parseGun(repository), new Map([['1', target]]));
    const proxy = await startEngineProxy(workspace, engine, registry, trust);
    const env = environment(workspace.makeDirectory('home'));
    const pull = (host: string) => () =>
      timeProcess({ argv: [program('docker'), '--host', host, 'pull', `${repository}:1`], env }, /Image is up to date/);
    await inTurns(2, pull(proxy), pull(engine));
    const { a, b } = await inTurns(processPairs, pull(proxy), pull(engine));
    const what = '`docker pull`, warm: through the proxy / alone';
    return [{ what, unit: 'ms', hallmark: median(a), original: median(b), goal: '< 20 ms more' }];
  },
};
