// SPDX-License-Identifier: Apache-2.0
import { connect } from 'node:net';
import { constants } from 'node:os';
import { GrowingText } from './events.ts';
import { forgetLog, note, showLogOnFailure } from './journal.ts';

const COMMAND_MILLISECONDS = 90_000;
const STOP_MILLISECONDS = 20_000;
const PORT_ATTEMPTS = 400;
const PORT_PAUSE_MILLISECONDS = 50;

export interface Options {
  readonly env: Record<string, string>;
  readonly cwd?: string;
  /** What the program reads on standard input; nothing unless given. */
  readonly stdin?: string;
  /** How long a command may take that is many in one. */
  readonly milliseconds?: number;
}

/** How a finished command ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout, then stderr. */
  readonly output: string;
}

const running = new Set<Bun.Subprocess>();
// A test run that is itself interrupted must leave none of its programs behind; a signal alone would end it without 'exit'.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => process.exit(128 + constants.signals[signal]));

export function keepUntilExit(child: Bun.Subprocess): void {
  running.add(child);
  child.exited.finally(() => running.delete(child));
}

/** Runs a command to its end. Throws only when it does not end in time. */
export async function run(argv: readonly string[], options: Options): Promise<Outcome> {
  const child = Bun.spawn([...argv], {
    env: options.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdin: new TextEncoder().encode(options.stdin ?? ''),
    stdout: 'pipe',
    stderr: 'pipe',
  });
  keepUntilExit(child);
  const { milliseconds = COMMAND_MILLISECONDS } = options;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, milliseconds);
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  clearTimeout(timer);
  note(`$ ${argv.join(' ')}\n${stdout}${stderr}(exit ${code})`);
  if (late) throw new Error(`${argv.join(' ')} did not end within ${milliseconds} ms`);
  return { code, stdout, stderr, output: stdout + stderr };
}

/** Runs a command that must succeed, for steps that prepare a test. */
export async function succeed(argv: readonly string[], options: Options): Promise<Outcome> {
  const outcome = await run(argv, options);
  if (outcome.code !== 0) throw new Error(`${argv.join(' ')} ended with ${outcome.code}:\n${outcome.output}`);
  return outcome;
}

/** A program that keeps running in the background until it is stopped. */
export class Service {
  readonly #child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>;
  readonly #log = new GrowingText();
  readonly name: string;

  constructor(name: string, argv: readonly string[], options: Options) {
    this.name = `${name} (${argv[0]})`;
    this.#child = Bun.spawn([...argv], {
      env: options.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    });
    keepUntilExit(this.#child);
    showLogOnFailure(this.name, () => this.#log.text);
    const read = [this.#child.stdout, this.#child.stderr].map((stream) => this.#follow(stream));
    Promise.all([...read, this.#child.exited]).then(() => this.#log.end(`${name} has ended (${this.#ending()})`));
  }

  /** Waits for a line of the program's output; fails at once when the program ends. */
  async line(pattern: RegExp, milliseconds = 30_000): Promise<RegExpExecArray> {
    return (await this.#log.match(pattern, 0, milliseconds)).match;
  }

  /** Waits until something listens at the address; fails at once when the program ends. */
  async listening(address: { port: number } | { path: string }): Promise<void> {
    for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
      if (this.#child.exitCode !== null) break;
      if (await accepts(address)) return;
      await Bun.sleep(PORT_PAUSE_MILLISECONDS);
    }
    throw new Error(`${this.name} does not listen at ${JSON.stringify(address)}; its log:\n${this.#log.text}`);
  }

  /** Asks the program to end and waits for it; its exit code. Throws when it has to be killed. */
  async stop(): Promise<number> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode ?? -1;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MILLISECONDS);
    const code = await this.#child.exited;
    clearTimeout(timer);
    forgetLog(this.name);
    if (this.#child.signalCode === 'SIGKILL') throw new Error(`${this.name} did not stop on SIGTERM`);
    return code;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Ends the program without a warning, as a crash would. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child.exited;
    forgetLog(this.name);
  }

  /** What it has written so far. */
  get text(): string {
    return this.#log.text;
  }

  #ending(): string {
    return `exit ${this.#child.exitCode ?? this.#child.signalCode}`;
  }

  async #follow(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) this.#log.append(decoder.decode(chunk, { stream: true }));
  }
}

function accepts(address: { port: number } | { path: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect('port' in address ? { host: '127.0.0.1', port: address.port } : address);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
