// SPDX-License-Identifier: Apache-2.0
import { existsSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Registry } from './gateway.ts';
import { hallmark, program } from './programs.ts';
import type { RunningServer } from './servers.ts';
import { environment, freePort, type Workspace } from './workspace.ts';

const START_MILLISECONDS = 15_000;
const PAUSE_MILLISECONDS = 20;

/** Debian's dockerd with everything of its own. @returns DOCKER_HOST */
export async function startDockerd(workspace: Workspace): Promise<string> {
  const directory = workspace.makeDirectory('dockerd');
  const [socket, port, namespace] = [join(directory, 'docker.sock'), freePort(), basename(workspace.directory)];
  writeFileSync(join(directory, 'daemon.json'), '{}');
  const own = ['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'exec')];
  const files = ['--pidfile', join(directory, 'pid'), '--config-file', join(directory, 'daemon.json')];
  const names = ['--containerd-namespace', namespace, '--containerd-plugins-namespace', `${namespace}-plugins`];
  const modest = ['--iptables=false', '--ip6tables=false', '--bridge=none', '--storage-driver=vfs'];
  const metrics = ['--experimental', '--metrics-addr', `127.0.0.1:${port}`];
  const argv = [program('dockerd'), '-H', `unix://${socket}`, ...own, ...files, ...names, ...modest, ...metrics];
  await workspace.start(argv, port, directory);
  await there(socket);
  return `unix://${socket}`;
}

/** `hallmark engine-proxy` before an engine, by the trust of a server. @returns DOCKER_HOST */
export async function startEngineProxy(
  workspace: Workspace,
  engine: string,
  registry: Registry,
  trust: RunningServer,
): Promise<string> {
  const directory = workspace.makeDirectory('engine-proxy');
  const [socket, port] = [join(directory, 'proxy.sock'), freePort()];
  const rule = { images: `${registry.name}/**`, server: trust.url, ca: trust.caFile, 'first-use': true };
  writeFileSync(join(directory, 'policy.yaml'), JSON.stringify({ version: 1, rules: [rule] }), { mode: 0o600 });
  const places = ['--engine', engine, '--listen', `unix://${socket}`, '--state', join(directory, 'state')];
  const argv = [hallmark, '--policy', join(directory, 'policy.yaml'), 'engine-proxy', ...places];
  await workspace.start([...argv, '--operations', `127.0.0.1:${port}`], port, directory);
  await there(socket);
  return `unix://${socket}`;
}

async function there(path: string): Promise<void> {
  for (const deadline = performance.now() + START_MILLISECONDS; performance.now() < deadline; ) {
    if (existsSync(path)) return;
    await Bun.sleep(PAUSE_MILLISECONDS);
  }
  throw new Error(`${path} is not there`);
}

/** Makes an image of one small file, and pushes it. @returns its digest */
export function pushImage(workspace: Workspace, engine: string, image: string): string {
  const directory = workspace.makeDirectory('image');
  writeFileSync(join(directory, 'content'), 'of a benchmark');
  run(directory, [program('tar'), '-cf', 'image.tar', 'content']);
  run(directory, [program('docker'), '--host', engine, 'import', 'image.tar', image]);
  const said = run(directory, [program('docker'), '--host', engine, 'push', image]);
  const digest = /digest: (sha256:[0-9a-f]{64})/.exec(said)?.[1];
  if (digest === undefined) throw new Error(`docker push said no digest: ${said}`);
  return digest;
}

function run(cwd: string, argv: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...argv], { cwd, env: environment(cwd), stdin: 'ignore' });
  if (exitCode !== 0) throw new Error(`${argv.join(' ')} ended with ${exitCode}: ${stderr}`);
  return stdout.toString();
}
