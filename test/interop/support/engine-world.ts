// SPDX-License-Identifier: Apache-2.0
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pushedDigest } from './digests.ts';
import { type Outcome, run, type Service, succeed } from './processes.ts';
import { cleanEnvironment, hallmarkProgram, program, repositoryRoot } from './programs.ts';
import { Session } from './pty.ts';
import type { User } from './users.ts';
import { openWorld, type World } from './world.ts';

const APPLETS = ['sh', 'cat', 'echo', 'ls', 'sleep', 'stty', 'tar', 'wc', 'true', 'false', 'head', 'id', 'sha256sum'];

/** The docker CLI, without content trust of its own, before an engine. */
export interface Docker {
  readonly env: Record<string, string>;
  (...args: string[]): Promise<Outcome>;
  /** With `text` on standard input. */
  fed(text: string, ...args: string[]): Promise<Outcome>;
  onTerminal(...args: string[]): Session;
}

/** A container's flags that every test needs: there is no network. */
export const ALONE = ['--rm', '--network', 'none'] as const;

export function dockerAt(host: string, home: string, command: readonly string[] = [program('docker')]): Docker {
  const env = cleanEnvironment({ HOME: home, DOCKER_HOST: host });
  const docker = (...args: string[]) => run([...command, ...args], { env, cwd: home });
  return Object.assign(docker, {
    env,
    fed: (stdin: string, ...args: string[]) => run([...command, ...args], { env, cwd: home, stdin }),
    onTerminal: (...args: string[]) => new Session([...command, ...args], { env, cwd: home }),
  });
}

/**
 * Input for the shell of a container on a terminal: the command, once the container knows the terminal's size. docker tells
 * it after the start, when the shell may have shown its prompt long ago; until then stty of busybox fails.
 */
export function afterSize(command: string): string {
  return `until [ -n "$(stty size 2>/dev/null)" ]; do sleep 0.1; done; ${command}\n`;
}

/** A world with images that can be run, signed ones and others, and a policy that asks for a signature on each. */
export interface EngineWorld extends World {
  /** `localhost:PORT/team`, before the names of images. */
  readonly team: string;
  readonly publisher: User;
  /** A policy file: every image of the registry needs a signature. */
  readonly policy: string;
  /** Pushes an image that holds `content`, signed. @returns its digest */
  signed(name: string, content: string): Promise<string>;
  /** Pushes an image that holds `content`, as anybody with a login can. @returns its digest */
  unsigned(name: string, content: string): Promise<string>;
  /** Removes every image and container from the engine. */
  forget(): Promise<void>;
  /** Starts `hallmark engine-proxy` over the engine. @returns DOCKER_HOST */
  proxy(name: string, ...args: string[]): Promise<{ readonly host: string; readonly service: Service }>;
}

export async function openEngineWorld(): Promise<EngineWorld> {
  const world = await openWorld('hallmark');
  const { stage, server, registry, dockerHost } = world;
  const publisher = world.user('publisher');
  const policy = join(stage.makeDirectory('policy'), 'policy.yaml');
  const rule = `  - images: ${registry}/**\n    server: ${server.url}\n    ca: ${server.ca}\n    first-use: true\n`;
  writeFileSync(policy, `version: 1\nrecheck: 1s\nrules:\n${rule}`, { mode: 0o600 });
  const push = async (name: string, content: string, trusted: boolean): Promise<string> => {
    await runnableImage(world, name, content);
    return pushedDigest(await (trusted ? publisher.docker('push', name) : publisher.untrusted('push', name)));
  };
  return {
    ...world,
    team: `${registry}/team`,
    publisher,
    policy,
    signed: (name, content) => push(name, content, true),
    unsigned: (name, content) => push(name, content, false),
    async forget() {
      const containers = lines((await publisher.untrusted('ps', '--all', '--quiet')).stdout);
      if (containers.length > 0) await publisher.untrusted('rm', '--force', ...containers);
      const images = lines((await publisher.untrusted('images', '--quiet', '--no-trunc')).stdout);
      if (images.length > 0) await publisher.untrusted('rmi', '--force', ...new Set(images));
    },
    async proxy(name, ...args) {
      const host = `unix://${join(stage.directory, `${name}.sock`)}`;
      const state = stage.makeDirectory(`${name}-state`);
      const own = ['engine-proxy', '--policy', policy, '--engine', dockerHost, '--state', state];
      const listen = args.includes('--listen') ? [] : ['--listen', host];
      const service = stage.start(`engine-proxy ${name}`, [...hallmarkProgram(), ...own, ...listen, ...args], {
        env: cleanEnvironment({ HOME: stage.makeDirectory(`${name}-home`) }),
        cwd: repositoryRoot,
      });
      const [, at = ''] = await service.line(/^ready engine-proxy=(\S+)$/m);
      return { host: at, service };
    },
  };
}

function lines(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** An image with a shell, and `content` in /content. */
export async function runnableImage({ stage, dockerHost }: World, name: string, content: string): Promise<void> {
  const directory = stage.makeDirectory('runnable');
  const root = join(directory, `root-${++made}`);
  for (const place of ['bin', 'tmp', 'etc', 'proc', 'sys', 'dev']) mkdirSync(join(root, place), { recursive: true });
  copyFileSync(program('busybox'), join(root, 'bin/busybox'));
  for (const applet of APPLETS) symlinkSync('busybox', join(root, 'bin', applet));
  writeFileSync(join(root, 'content'), content);
  const env = cleanEnvironment({ HOME: directory, DOCKER_HOST: dockerHost });
  await succeed([program('tar'), '-C', root, '-cf', join(directory, 'root.tar'), '.'], { env });
  const change = ['--change', 'ENV PATH=/bin', '--change', 'CMD ["/bin/cat","/content"]'];
  await succeed([program('docker'), 'import', ...change, join(directory, 'root.tar'), name], { env });
}

let made = 0;
