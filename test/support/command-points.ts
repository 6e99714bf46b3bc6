// SPDX-License-Identifier: Apache-2.0
/** Issue: the command lines as points that let images through, as they are called: over real sockets, to an engine that counts. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { type Io, runProgram } from '../../src/cli/index.ts';
import { runCaptured } from './command-line.ts';
import { type GatewayStage, REGISTRY } from './gateway-stage.ts';

/** What a point was asked to let through as `r.example.com/acme/app:TAG`, and what came of it. */
export interface Outcome {
  /** The digest that runs afterwards; nothing where it was refused. */
  readonly runs?: string | undefined;
  readonly reason?: string;
  /** How a command of this program ended that refused. */
  readonly exitCode?: number;
}

/** @param lying what the registry, or the engine, has under the tag */
export type Use = (tag: string, lying: string) => Promise<Outcome>;

export interface Point {
  readonly name: string;
  /** @param onClose takes what is to be stopped when the test has ended */
  readonly open: (stage: GatewayStage, onClose: (stop: () => void) => void) => Use | Promise<Use>;
}

/** @param policy the policy in force, its trust server at `https://trust.example.com` */
export function commandPoints(policy: string, repository: string): readonly Point[] {
  const image = (tag: string) => `${REGISTRY}/${repository}:${tag}`;
  return [
    {
      name: 'hallmark verify',
      async open(stage, onClose) {
        const { env } = await user(stage, policy, onClose);
        return async (tag) => {
          const { exitCode, stdout, stderr } = await runCaptured(['verify', image(tag)], env, () => stage.now);
          return exitCode === 0 ? { runs: digestIn(stdout) } : { runs: digestIn(stdout), reason: stderr, exitCode };
        };
      },
    },
    {
      name: 'hallmark pull',
      async open(stage, onClose) {
        const { env, engine } = await user(stage, policy, onClose);
        return async (tag, lying) => {
          const own = await engine(lying);
          const argv = ['pull', image(tag), '--quiet'];
          const { exitCode, stderr } = await runCaptured(argv, { ...env, DOCKER_HOST: own.host }, () => stage.now);
          return exitCode === 0 ? { runs: own.runs() } : { runs: own.runs(), reason: stderr, exitCode };
        };
      },
    },
    {
      name: 'hallmark docker',
      async open(stage, onClose) {
        const { env, engine } = await user(stage, policy, onClose);
        return async (tag, lying) => {
          const own = await engine(lying);
          const said = `${own.host.slice('unix://'.length)}.said`;
          const around = { ...env, DOCKER_HOST: own.host, HALLMARK_DOCKER: standIn(stage.directory), SAID: said };
          const exitCode = await runProgram('hallmark', ['docker', 'run', image(tag)], silentIo(around, stage));
          return exitCode === 0 ? { runs: own.runs() } : { runs: own.runs(), reason: readFileSync(said, 'utf8') };
        };
      },
    },
  ];
}

const digestIn = (text: string): string | undefined => /sha256:[0-9a-f]{64}/.exec(text)?.[0];

/** A home with the policy, its trust server on a port of this machine, and engines for it. */
async function user(stage: GatewayStage, policy: string, onClose: (stop: () => void) => void) {
  const serve = async (listener: RequestListener, path?: string) => {
    const server = createServer(listener);
    await new Promise<void>((resolve) =>
      path ? server.listen(path, resolve) : server.listen(0, '127.0.0.1', resolve),
    );
    onClose(() => stopNow(server));
    return server;
  };
  const trust = await serve(trustServerOf(stage));
  const { port } = trust.address() as AddressInfo;
  const file = join(stage.directory, 'policy.yaml');
  writeFileSync(file, policy.replace('https://trust.example.com', `http://127.0.0.1:${port}`));
  let engines = 0;
  return {
    env: {
      HOME: stage.directory,
      TMPDIR: stage.directory,
      DOCKER_CONFIG: join(stage.directory, '.docker'),
      HALLMARK_POLICY: file,
    },
    /** @param lying what it has under every tag */
    async engine(lying: string) {
      const path = join(stage.directory, `engine-${++engines}.sock`);
      const { listener, runs } = engineThatCounts(lying);
      await serve(listener, path);
      return { host: `unix://${path}`, runs };
    },
  };
}

function stopNow(server: Server): void {
  server.closeAllConnections();
  server.close();
}

/** The stage's trust server on a socket; where that one cannot be reached, the connection is cut. */
function trustServerOf(stage: GatewayStage): RequestListener {
  return async ({ url }, response) => {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    try {
      const { status, body } = await stage.answer(`http://trust${url}`, gone.signal);
      response.writeHead(status);
      if (body === null) return void response.end();
      const sent = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
      response.on('close', () => sent.destroy());
      sent.on('error', () => response.destroy()).pipe(response);
    } catch {
      response.destroy();
    }
  };
}

/** An engine that has every image by digest and `lying` under every tag, and tells what it was asked to pull and to run. */
function engineThatCounts(lying: string): {
  readonly listener: RequestListener;
  readonly runs: () => string | undefined;
} {
  const asked = new Set<string>();
  const listener: RequestListener = async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://engine');
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString();
    const [, image] = /\/images\/(.+)\/json$/.exec(pathname) ?? [];
    if (pathname.endsWith('/images/create'))
      asked.add(digestIn(searchParams.get('tag') ?? '') ?? digestIn(searchParams.get('fromImage') ?? '') ?? 'a tag');
    if (pathname.endsWith('/containers/create')) asked.add(digestIn(JSON.parse(body).Image) ?? 'a tag');
    response.setHeader('Content-Type', 'application/json');
    response.setHeader('Api-Version', '1.41');
    const id = image === undefined ? 'container' : (digestIn(decodeURIComponent(image)) ?? lying);
    const described = { Id: id, RepoTags: [], RepoDigests: [], Os: 'linux', Architecture: 'amd64' };
    response.end(JSON.stringify({ ...described, ApiVersion: '1.41', Version: '20' }));
  };
  return { listener, runs: () => (asked.size === 0 ? undefined : [...asked].join(' and ')) };
}

/** A docker that pulls an image and makes a container of it, at the engine that it is given, whatever the first answers. */
function standIn(directory: string): string {
  const path = join(directory, 'docker');
  const script = `#!${process.execPath}
const unix = process.env.DOCKER_HOST.slice('unix://'.length);
const image = process.argv.at(-1);
const [, name, tag] = /^(.*):(.*)$/.exec(image);
const ask = (path, body) => fetch('http://docker/v1.41/' + path, { unix, method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
const pulled = await ask('images/create?fromImage=' + encodeURIComponent(name) + '&tag=' + tag);
const said = await pulled.text();
const made = await ask('containers/create', JSON.stringify({ Image: image }));
await Bun.write(process.env.SAID, said + (await made.text()));
process.exit(pulled.ok && made.ok ? 0 : 125);
`;
  writeFileSync(path, script, { mode: 0o755 });
  return path;
}

function silentIo(env: Io['env'], stage: GatewayStage): Io {
  const nowhere = { write: () => {}, isTerminal: false, columns: 120 };
  const outputs = { stdout: nowhere, stderr: nowhere };
  return { env, stdin: new PassThrough(), ...outputs, now: () => stage.now, untilStopped: async () => {} };
}
