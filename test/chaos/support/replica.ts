// SPDX-License-Identifier: Apache-2.0
import { connect } from 'node:net';
import { GrowingText } from '../../interop/support/events.ts';
import { keepUntilExit } from '../../interop/support/processes.ts';

export interface ReplicaOptions {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly port: number;
}

const START_MILLISECONDS = 30_000;
const PORT_PAUSE_MILLISECONDS = 5;

/** One process of a service, killed without warning and started again over what it left. */
export class Replica {
  readonly name: string;
  readonly port: number;
  readonly #options: ReplicaOptions;
  #log = new GrowingText();
  #child: Bun.Subprocess | undefined;

  constructor(options: ReplicaOptions) {
    this.name = options.name;
    this.port = options.port;
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#child !== undefined;
  }

  /** Starts the process; resolves when it accepts connections. */
  async start(): Promise<void> {
    const { argv, env, cwd, port } = this.#options;
    const child = Bun.spawn([...argv], { env: { ...env }, cwd, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
    keepUntilExit(child);
    this.#log = new GrowingText();
    for (const stream of [child.stdout, child.stderr]) void this.#follow(stream);
    const deadline = performance.now() + START_MILLISECONDS;
    while (!(await accepts(port))) {
      if (child.exitCode !== null || performance.now() > deadline) {
        child.kill('SIGKILL');
        throw new Error(`${this.name} does not listen on ${port}; it said:\n${this.#log.text}`);
      }
      // another program's port gives no event to wait for
      await Bun.sleep(PORT_PAUSE_MILLISECONDS);
    }
    this.#child = child;
  }

  /** Ends the process where it stands. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    child?.kill('SIGKILL');
    await child?.exited;
  }

  /** Asks it to end; its exit code. */
  async stop(): Promise<number> {
    const child = this.#child;
    this.#child = undefined;
    child?.kill('SIGTERM');
    return (await child?.exited) ?? 0;
  }

  /** What it has written since it was started last. */
  get log(): string {
    return this.#log.text;
  }

  async #follow(stream: ReadableStream<Uint8Array>): Promise<void> {
    const log = this.#log;
    const decoder = new TextDecoder();
    for await (const chunk of stream) log.append(decoder.decode(chunk, { stream: true }));
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
