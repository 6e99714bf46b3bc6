// SPDX-License-Identifier: Apache-2.0
import { dockerTarget, parseGun, sha256Hex, type TargetFile } from '../../src/tuf/index.ts';
import type { Effort, Figure, Row } from '../row.ts';
import {
  MANIFEST,
  pushBlob,
  pushManifest,
  REPOSITORY,
  type Registry,
  startGateway,
  startRegistry,
} from '../support/gateway.ts';
import { publishTargets } from '../support/publishing.ts';
import { type RunningServer, residentMebibytes, startHallmark } from '../support/servers.ts';
import { inTurns, median, timed } from '../support/timing.ts';
import type { Workspace } from '../support/workspace.ts';

const IMAGES = 1000;
const LANES = 8;
const LAYER_BYTES = 64 * 1024 * 1024;
const MEBIBYTE = 1024 * 1024;

/** What pulls cost through the gateway, beside the same pulls from the registry itself. */
export const gateway: Row = {
  name: 'gateway',
  title: `Gateway before Debian's docker-registry, TLS on both, against the registry alone; ${IMAGES} signed images`,
  needs: ['docker-registry'],
  async measure(workspace, effort) {
    const [registry, trust] = [await startRegistry(workspace), await startHallmark(workspace)];
    const layer = await fill(registry, trust);
    const proxy = await startGateway(workspace, registry, trust, 'proxy');
    const tag = await byTag(proxy, registry, effort);
    await serveAll(proxy);
    const resident = residentMebibytes(proxy.pid);
    return [
      tag,
      await throughput('layer of 64 MiB, proxied', proxy, registry, layer, effort),
      await cached(workspace, registry, trust, layer, effort),
      { what: `memory after ${IMAGES} images were served`, unit: 'MiB', hallmark: resident, goal: '≤ 200 MB' },
    ];
  },
};

/** Pushes and signs the images; they share one layer. */
async function fill(registry: Registry, trust: RunningServer): Promise<string> {
  const content = new Uint8Array(LAYER_BYTES);
  crypto.getRandomValues(content.subarray(0, 65_536));
  const layer = [await pushBlob(registry, content), content.length] as const;
  const configBytes = new TextEncoder().encode('{"os":"linux","architecture":"amd64"}');
  const config = [await pushBlob(registry, configBytes), configBytes.length] as const;
  const targets = new Map<string, TargetFile>();
  const numbers = Array.from({ length: IMAGES }, (_, at) => at).values();
  const lane = async () => {
    for (const at of numbers) {
      const manifest = await pushManifest(registry, `v${at}`, config, layer);
      targets.set(`v${at}`, dockerTarget(Buffer.from(sha256Hex(manifest), 'hex'), manifest.length));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await publishTargets(trust, parseGun(`${registry.name}/${REPOSITORY}`), targets);
  return layer[0];
}

async function byTag(proxy: RunningServer, registry: Registry, { calls }: Effort): Promise<Figure> {
  const ask = (server: RunningServer) => () => timed(() => read(server, 'manifests/v0'));
  await inTurns(10, ask(proxy), ask(registry));
  const { a, b } = await inTurns(calls, ask(proxy), ask(registry));
  return { what: 'manifest by tag, warm', unit: 'ms', hallmark: median(a), original: median(b), goal: '< 2 ms more' };
}

async function throughput(
  what: string,
  server: RunningServer,
  registry: Registry,
  layer: string,
  { rounds }: Effort,
): Promise<Figure> {
  await read(server, 'manifests/v0');
  const rate = (from: RunningServer) => async () =>
    LAYER_BYTES / MEBIBYTE / ((await timed(() => read(from, `blobs/${layer}`))) / 1000);
  await inTurns(1, rate(server), rate(registry));
  const { a, b } = await inTurns(rounds * 3, rate(server), rate(registry));
  return { what, unit: 'MiB/s', hallmark: median(a), original: median(b), goal: '≥ 0.9 ×' };
}

async function cached(
  workspace: Workspace,
  registry: Registry,
  trust: RunningServer,
  layer: string,
  effort: Effort,
): Promise<Figure> {
  const server = await startGateway(workspace, registry, trust, 'cache');
  return throughput('the same from the cache', server, registry, layer, effort);
}

async function serveAll(server: RunningServer): Promise<void> {
  for (let at = 0; at < IMAGES; at++) await read(server, `manifests/v${at}`);
}

/** One answer to its last byte. */
async function read({ url, fetch }: RunningServer, path: string): Promise<void> {
  const response = await fetch(`${url}/v2/${REPOSITORY}/${path}`, { headers: { accept: MANIFEST } });
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  for await (const _ of response.body ?? []);
}
