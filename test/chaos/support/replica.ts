// SPDX-License-Identifier: Apache-2.0
import { GrowingText } from '../../interop/support/events.ts';
import { keepUntilExit } from '../../interop/support/processes.ts';

export interface ReplicaOptions {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly port: number;
}

const START_MILLISECONDS = 60_000;

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

  /** Starts the process; resolves when it says that it serves. */
  async start(): Promise<void> {
    const { argv, env, cwd } = this.#options;
    const child = Bun.spawn([...argv], { env: { ...env }, cwd, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
    keepUntilExit(child);
    const log = new GrowingText();
    this.#log = log;
    const read = [child.stdout, child.stderr].map((stream) => follow(stream, log));
    void Promise.all([...read, child.exited]).then(() => log.end(`${this.name} has ended`));
    try {
      // not its port: that is there for a moment before the service is, to see that nobody else has it
      await log.match(/^ready /m, 0, START_MILLISECONDS);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
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
}

async function follow(stream: ReadableStream<Uint8Array>, log: GrowingText): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) log.append(decoder.decode(chunk, { stream: true }));
}
