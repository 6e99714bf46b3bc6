// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import { makeCertificates } from './support/certificates.ts';
import { startDockerd, startRegistry } from './support/dockerd.ts';
import {
  containerdEngine,
  dockerEngine,
  mirroredContainerd,
  podmanEngine,
  skopeoEngine,
  type TestedEngine,
} from './support/engines.ts';
import { promise } from './support/journal.ts';
import type { Service } from './support/processes.ts';
import { cleanEnvironment, hallmarkProgram } from './support/programs.ts';
import { Stage } from './support/stage.ts';
import { hallmarkPlace, startHallmark } from './support/trust-server.ts';
import { Forwarder, type PushedImage, pushImage } from './support/upstream.ts';
import { User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

/**
 * The fallback matrix: engines as `hallmark gateway config` configures them, against whatever the gateway answers and whatever the
 * registry has. No engine may get what was not signed, and none may go past the gateway.
 */
const stage = new Stage();
type Answer = (request: Request) => Response | undefined;
/** What a gateway that is not itself answers; undefined passes the request on to the real one. */
let lie: Answer = () => undefined;
/** What the registry answers in place of the real one. */
let back: Answer = () => undefined;
let engines: readonly TestedEngine[] = [];
let mirrored: TestedEngine;
let trap: Forwarder;
let registry: string;
let real: string;
let publisher: User;
let trustServer: Service;
/** The address that engines know: before the gateway, or before one that lies. */
let front: Forwarder;
let gatewayPort: number;
let gatewayUrl: string;
let authorities: string;
let liar: ReturnType<typeof Bun.serve>;
let backServer: ReturnType<typeof Bun.serve>;
const matrix: { attack: string; cells: Readonly<Record<string, string>> }[] = [];

beforeAll(async () => {
  const { server, service: trust } = await startHallmark(stage, await hallmarkPlace(stage));
  trustServer = trust;
  real = await startRegistry(stage);
  const [trapPort, frontPort, backPort] = [await freePort(), await freePort(), await freePort()];
  gatewayPort = await freePort();
  registry = `localhost:${trapPort}`;
  trap = new Forwarder(trapPort, Number(real.split(':')[1]));
  publisher = new User(stage, 'publisher', server);
  const certificates = stage.makeDirectory('certificates');
  await makeCertificates(certificates, ['liar']);
  const place = (name: string) => join(certificates, name);
  backServer = Bun.serve({
    hostname: '127.0.0.1',
    port: backPort,
    fetch: (request) => back(request) ?? pass(request, `http://${real}`),
  });
  const data = stage.makeDirectory('gateway');
  const config = {
    listen: `127.0.0.1:${gatewayPort}`,
    data: join(data, 'data'),
    policy: 'policy.yaml',
    upstreams: { [registry]: { host: `localhost:${backPort}`, blobs: 'cache' } },
  };
  // JSON is YAML.
  writeFileSync(join(data, 'gateway.yaml'), JSON.stringify(config));
  const rule = { images: `${registry}/**`, server: server.url, ca: server.ca, 'first-use': true };
  writeFileSync(join(data, 'policy.yaml'), JSON.stringify({ version: 1, rules: [rule] }), { mode: 0o600 });
  const service = stage.start('gateway', [...hallmarkProgram(), 'gateway', '--config', join(data, 'gateway.yaml')], {
    env: cleanEnvironment({ HOME: data, DOCKER_CONFIG: join(data, '.docker') }),
  });
  await service.line(/^ready /m);
  const ca = readFileSync(join(data, 'data', 'ca.crt'), 'utf8');
  liar = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    tls: { cert: readFileSync(place('liar.crt'), 'utf8'), key: readFileSync(place('liar.key'), 'utf8') },
    fetch: (request) => lie(request) ?? pass(request, `https://127.0.0.1:${gatewayPort}`, ca),
  });
  front = new Forwarder(frontPort, gatewayPort);
  authorities = place('authorities.crt');
  writeFileSync(authorities, ca + readFileSync(place('ca.crt'), 'utf8'));
  gatewayUrl = `https://localhost:${frontPort}`;
  const dockerHost = await startDockerd(stage);
  const world = { stage, dockerHost, registry, gateway: gatewayUrl, ca: authorities };
  engines = [
    await containerdEngine(world),
    await dockerEngine(world),
    await skopeoEngine(world),
    await podmanEngine(world),
  ];
  mirrored = await mirroredContainerd(world);
}, START_MILLISECONDS);

afterAll(async () => {
  process.stdout.write(table());
  liar?.stop(true);
  backServer?.stop(true);
  await Promise.all([front?.close(), trap?.close()]);
  await stage.close();
}, START_MILLISECONDS);

function pass(request: Request, origin: string, ca?: string): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const headers = new Headers(request.headers);
  headers.delete('host');
  const init = {
    method: request.method,
    headers,
    redirect: 'manual' as const,
    decompress: false,
    ...(ca === undefined ? {} : { tls: { ca } }),
  };
  return fetch(`${origin}${pathname}${search}`, init);
}

/** Leads the engines to a gateway that lies for as long as `work` takes. */
async function lying(answer: Answer, work: () => Promise<void>): Promise<void> {
  lie = answer;
  front.target = liar.port;
  front.cut();
  try {
    await work();
  } finally {
    front.target = gatewayPort;
    front.cut();
  }
}

let count = 0;

/** A repository of its own, so that nothing of an earlier pull helps a later one. */
async function image(isSigned: boolean): Promise<{ repository: string; pushed: PushedImage }> {
  const repository = `matrix/app${++count}`;
  const pushed = await pushImage(real, repository, '1', `content ${count}`);
  if (isSigned) await sign(repository, pushed);
  return { repository, pushed };
}

async function sign(repository: string, { digest }: PushedImage): Promise<void> {
  const signed = await publisher.hallmark('sign', `${registry}/${repository}:1@${digest}`);
  expect(signed.code).toBe(0);
  trap.connections = 0;
}

/** Lets every engine pull at once, and writes a row of the matrix. */
async function pullAll(attack: string, reference: string, isServed: boolean): Promise<void> {
  trap.connections = 0;
  const outcomes = await Promise.all(engines.map((engine) => engine.pull(reference)));
  const digests = await Promise.all(engines.map((engine) => engine.digests(reference)));
  const cells = Object.fromEntries(
    engines.map(({ name }, at) => [name, outcomes[at]?.code === 0 || digests[at]?.length !== 0 ? 'pulled' : 'refused']),
  );
  matrix.push({ attack, cells: { ...cells, 'past the gateway': String(trap.connections) } });
  const expected = isServed ? 'pulled' : 'refused';
  expect(cells).toEqual(Object.fromEntries(engines.map(({ name }) => [name, expected])));
  expect(trap.connections).toBe(0);
}

function table(): string {
  const columns = [...engines.map(({ name }) => name), 'past the gateway'];
  const rows = [
    ['attack', ...columns],
    ...matrix.map(({ attack, cells }) => [attack, ...columns.map((column) => cells[column] ?? '-')]),
  ];
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? [];
  return `\n${rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')).join('\n')}\n`;
}

describe('whatever the registry has', () => {
  promise('a signed image is pulled by each engine, by tag and by digest, as it was signed', async () => {
    const { repository, pushed } = await image(true);
    await pullAll('signed, by tag', `${repository}:1`, true);
    for (const engine of engines)
      expect([engine.name, await engine.digests(`${repository}:1`)]).toEqual([engine.name, [pushed.digest]]);
    const other = await image(true);
    await pullAll('signed, by digest', `${other.repository}@${other.pushed.digest}`, true);
  });

  promise('an image that nobody signed is pulled by none', async () => {
    const { repository, pushed } = await image(false);
    await pullAll('unsigned, by tag', `${repository}:1`, false);
    await pullAll('unsigned, by digest', `${repository}@${pushed.digest}`, false);
  });

  promise('a tag that was moved is pulled as it was signed', async () => {
    const { repository, pushed } = await image(true);
    await pushImage(real, repository, '1', 'somebody else wrote this');
    await pullAll('tag moved', `${repository}:1`, true);
    for (const engine of engines)
      expect([engine.name, await engine.digests(`${repository}:1`)]).toEqual([engine.name, [pushed.digest]]);
  });

  promise('other bytes under a digest, of a manifest or a layer, are pulled by none', async () => {
    const evil = await image(false);
    const first = await image(true);
    back = ({ url }) =>
      url.includes(first.pushed.digest)
        ? new Response(evil.pushed.manifest, {
            headers: { 'content-type': 'application/vnd.docker.distribution.manifest.v2+json' },
          })
        : undefined;
    await pullAll('other manifest', `${first.repository}:1`, false);
    const second = await image(true);
    back = ({ url }) => (url.includes(second.pushed.layer) ? new Response('other bytes than were signed') : undefined);
    await pullAll('other layer', `${second.repository}:1`, false);
    back = () => undefined;
  });
});

describe('whatever the gateway answers', () => {
  for (const status of [300, 401, 403, 404, 412, 429, 451, 500, 503]) {
    promise(`${status} sends no engine past it`, async () => {
      const { repository } = await image(true);
      const body = JSON.stringify({ errors: [{ code: 'DENIED', message: 'refused by a test' }] });
      const headers = { 'content-type': 'application/json' };
      const answer: Answer = ({ url }) =>
        new URL(url).pathname === '/v2/' ? undefined : new Response(body, { status, headers });
      await lying(answer, () => pullAll(`gateway answers ${status}`, `${repository}:1`, false));
    });
  }

  promise('and when it is down, none either', async () => {
    const { repository } = await image(true);
    front.target = undefined;
    front.cut();
    await pullAll('gateway down', `${repository}:1`, false);
    front.target = gatewayPort;
    await pullAll('gateway up again', `${repository}:1`, true);
  });

  promise('a whole answer that is not what was signed is noticed by the engine itself', async () => {
    const { repository, pushed } = await image(true);
    const answer: Answer = ({ url }) =>
      url.includes(`/blobs/${pushed.layer}`) ? new Response('other bytes than were signed') : undefined;
    await lying(answer, () => pullAll('gateway lies about a layer', `${repository}:1`, false));
  });
});

promise(
  'the count of what goes past the gateway is no empty word: an engine for which it is a mirror alone does',
  async () => {
    const { repository } = await image(false);
    trap.connections = 0;
    const { code } = await mirrored.pull(`${repository}:1`);
    matrix.push({
      attack: 'unsigned, gateway as mirror alone',
      cells: { containerd: code === 0 ? 'pulled' : 'refused', 'past the gateway': String(trap.connections) },
    });
    expect(code).toBe(0);
    expect(trap.connections).toBeGreaterThan(0);
  },
);

promise('the original notary reads trust data through it', async () => {
  const { repository, pushed } = await image(true);
  const user = new User(stage, 'reader', { url: gatewayUrl, host: new URL(gatewayUrl).host, ca: authorities });
  const listed = await user.notary('list', `${registry}/${repository}`);
  expect(listed.output).toContain(pushed.digest.slice('sha256:'.length));
});

promise(
  'when the trust server is down, no engine gets what was not pulled before, and none goes elsewhere',
  async () => {
    const { repository, pushed } = await image(true);
    await trustServer.stop();
    await pullAll('trust server down, by tag', `${repository}:1`, false);
    await pullAll('trust server down, by digest', `${repository}@${pushed.digest}`, false);
  },
);
