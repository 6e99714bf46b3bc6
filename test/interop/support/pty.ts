// SPDX-License-Identifier: Apache-2.0
import { GrowingText } from './events.ts';
import { note } from './journal.ts';
import { keepUntilExit, type Options } from './processes.ts';

const ANSWER_MILLISECONDS = 60_000;
const ECHO_PAUSE_MILLISECONDS = 5;
/** The bit of a terminal's local flags that shows what is typed (ECHO of termios on Linux). */
const ECHO = 0o10;

/**
 * A program on a real pseudo terminal, driven like expect(1): prompts are shown and passphrases typed.
 *
 *     const session = new Session(['docker', 'push', image], { env });
 *     await session.expect(/passphrase for new root key.*: $/);
 *     await session.sendSecret('correct horse');
 *     expect(await session.exit()).toBe(0);
 */
export class Session {
  readonly #argv: readonly string[];
  readonly #child: Bun.Subprocess;
  readonly #screen = new GrowingText();
  readonly #ended: Promise<unknown>;
  #read = 0;

  constructor(argv: readonly string[], options: Options) {
    this.#argv = argv;
    const decoder = new TextDecoder();
    let closed = (): void => {};
    const drained = new Promise<void>((resolve) => {
      closed = resolve;
    });
    this.#child = Bun.spawn([...argv], {
      env: options.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      terminal: {
        cols: 200,
        rows: 50,
        data: (_, bytes) => this.#screen.append(decoder.decode(bytes, { stream: true })),
        exit: () => closed(),
      },
    });
    keepUntilExit(this.#child);
    this.#ended = Promise.all([this.#child.exited, drained]);
    this.#ended.then(() => this.#screen.end('the program has ended'));
  }

  /** All that was shown so far, with the terminal's line ends made plain. */
  get transcript(): string {
    return this.#screen.text.replaceAll('\r\n', '\n');
  }

  /** Waits until `pattern` is shown after what was matched before. Throws with the transcript so far. */
  async expect(pattern: RegExp): Promise<RegExpExecArray> {
    try {
      const { match, end } = await this.#screen.match(pattern, this.#read, ANSWER_MILLISECONDS);
      this.#read = end;
      return match;
    } catch (error) {
      this.#child.kill('SIGKILL');
      note(`$ ${this.#argv.join(' ')}   (on a terminal)\n${this.transcript}`);
      throw error;
    }
  }

  send(text: string): void {
    this.#child.terminal?.write(text);
  }

  /**
   * Types a passphrase and Enter, once the terminal shows no more what is typed: Docker prints its prompt first and
   * turns the echo off after, so whoever types faster than a person would see the passphrase. Throws if it stays on.
   */
  async sendSecret(secret: string): Promise<void> {
    const deadline = performance.now() + ANSWER_MILLISECONDS;
    while (performance.now() < deadline) {
      if (((this.#child.terminal?.localFlags ?? ECHO) & ECHO) === 0) return this.send(`${secret}\n`);
      await Bun.sleep(ECHO_PAUSE_MILLISECONDS);
    }
    throw new Error(`a passphrase is asked for and would be shown; so far:\n${this.transcript}`);
  }

  /** Waits for the program's end; its exit code. Throws with the transcript when it does not end. */
  async exit(): Promise<number> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), ANSWER_MILLISECONDS);
    await this.#ended;
    clearTimeout(timer);
    const code = await this.#child.exited;
    this.#child.terminal?.close();
    note(`$ ${this.#argv.join(' ')}   (on a terminal)\n${this.transcript}(exit ${code})`);
    if (this.#child.signalCode !== null) {
      throw new Error(`${this.#argv.join(' ')} did not end; its terminal:\n${this.transcript}`);
    }
    return code;
  }
}
