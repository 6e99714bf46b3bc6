// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const START_MILLISECONDS = 15_000;
const PAUSE_MILLISECONDS = 20;
const STOP_MILLISECONDS = 10_000;

/** What the run starts and writes: a directory and programs, all gone after `close()`. */
export class Workspace {
  readonly directory = mkdtempSync(join(tmpdir(), 'hallmark-bench-'));
  readonly #running: Bun.Subprocess[] = [];
  #made = 0;

  constructor() {
    // a run that is interrupted must leave none of its programs behind
    process.on('exit', () => {
      for (const child of this.#running) end(child, 'SIGTERM');
      rmSync(this.directory, { recursive: true, force: true });
    });
  }

  /** A new directory, readable by its owner alone. */
  makeDirectory(name: string): string {
    const path = join(this.directory, `${name}-${++this.#made}`);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  }

  /** Starts a program that logs to a file and ends with the workspace, and with it whatever it starts itself. */
  run(argv: readonly string[], directory: string, variables: Readonly<Record<string, string>> = {}): Bun.Subprocess {
    const log = Bun.file(join(directory, 'log'));
    const env = { ...environment(directory), ...variables };
    const child = Bun.spawn([...argv], { cwd: directory, env, stdout: log, stderr: log, detached: true });
    this.#running.push(child);
    return child;
  }

  /** The same, and waits until it accepts connections on `port` of 127.0.0.1. */
  async start(
    argv: readonly string[],
    port: number,
    directory: string,
    variables: Readonly<Record<string, string>> = {},
  ): Promise<number> {
    const log = Bun.file(join(directory, 'log'));
    const child = this.run(argv, directory, variables);
    for (const deadline = performance.now() + START_MILLISECONDS; performance.now() < deadline; ) {
      if (child.exitCode !== null) break;
      if (await accepts(port)) return child.pid;
      await Bun.sleep(PAUSE_MILLISECONDS);
    }
    throw new Error(`${argv.join(' ')} does not listen; its log:\n${await log.text()}`);
  }

  /** Ends the programs started since the last call, last one first. */
  async stopAll(): Promise<void> {
    for (const child of this.#running.splice(0).reverse()) {
      end(child, 'SIGTERM');
      const timer = setTimeout(() => end(child, 'SIGKILL'), STOP_MILLISECONDS);
      await child.exited;
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    await this.stopAll();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Tells a program and all of its group: a shell that waits for another program hears of nothing before that one ends. */
function end(child: Bun.Subprocess, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // it is gone already
  }
}

/** The environment of every program: nothing of the caller's Docker, Notary or proxy settings gets in. */
export function environment(home: string): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    HOME: home,
  };
}

/** A port of 127.0.0.1 on which nothing listens. */
export function freePort(): number {
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

async function accepts(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}
