// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { freePort } from '../../support/free-port.ts';
import { succeed } from './processes.ts';
import { cleanEnvironment, program } from './programs.ts';
import type { Stage } from './stage.ts';

/**
 * Debian's dockerd on a socket of its own; it starts a containerd of its own unless the machine runs one,
 * where it then uses namespaces of its own. Returns the value for DOCKER_HOST. Needs root.
 */
export async function startDockerd(stage: Stage, name = 'dockerd', ...more: readonly string[]): Promise<string> {
  if (process.getuid?.() !== 0) throw new Error('dockerd needs root: run the interop suite as root');
  const directory = stage.makeDirectory(name);
  const socket = join(directory, 'docker.sock');
  const namespace = `${basename(stage.directory)}-${name}`;
  const own = ['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'exec')];
  const files = ['--pidfile', join(directory, 'pid'), '--config-file', join(directory, 'daemon.json')];
  const namespaces = ['--containerd-namespace', namespace, '--containerd-plugins-namespace', `${namespace}-plugins`];
  const modest = ['--iptables=false', '--ip6tables=false', '--bridge=none', '--storage-driver=vfs'];
  writeFileSync(join(directory, 'daemon.json'), '{}');
  const argv = [program('dockerd'), '-H', `unix://${socket}`, ...own, ...files, ...namespaces, ...modest, ...more];
  const service = stage.start(name, argv, { env: cleanEnvironment({ HOME: directory }), cwd: directory });
  await service.line(/API listen on/, 60_000);
  await service.listening({ path: socket });
  return `unix://${socket}`;
}

/** Debian's docker-registry, plain HTTP on 127.0.0.1; `localhost:PORT`. With `auth`, as its configuration has it. */
export async function startRegistry(stage: Stage, auth?: object): Promise<string> {
  const port = await freePort();
  const directory = stage.makeDirectory(`registry-${port}`);
  const configuration = {
    version: '0.1',
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: join(directory, 'data') }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}` },
    ...(auth === undefined ? {} : { auth }),
  };
  // JSON is YAML.
  writeFileSync(join(directory, 'config.yml'), JSON.stringify(configuration));
  const argv = [program('docker-registry'), 'serve', join(directory, 'config.yml')];
  const service = stage.start('docker-registry', argv, { env: cleanEnvironment({ HOME: directory }) });
  await service.listening({ port });
  return `localhost:${port}`;
}

/** Makes an image of one file holding `content` in the engine and names it; no build, no base image. */
export async function makeImage(stage: Stage, dockerHost: string, name: string, content: string): Promise<void> {
  const directory = stage.makeDirectory('image');
  const env = cleanEnvironment({ HOME: directory, DOCKER_HOST: dockerHost });
  writeFileSync(join(directory, 'content'), content);
  await succeed([program('tar'), '-cf', 'image.tar', 'content'], { env, cwd: directory });
  await succeed([program('docker'), 'import', 'image.tar', name], { env, cwd: directory });
}
