// SPDX-License-Identifier: Apache-2.0
import { createInterface, type Interface } from 'node:readline';
import { environmentPassphrases, type Passphrases } from '../../signing/index.ts';
import type { Io } from '../io.ts';
import { askedPassphrases, confirm, isTerminal, readSecret, warnOfNewRootKey } from '../prompts.ts';

/**
 * What the user is asked, on standard output as Docker does it. Without a terminal the answers are the lines of standard
 * input; all of them can be used, where Docker loses those that came with the first.
 */
export class Questions {
  readonly #io: Io;
  #input: { readonly reader: Interface; readonly lines: AsyncIterator<string> } | undefined;

  constructor(io: Io) {
    this.#io = { ...io, stderr: io.stdout };
  }

  /** Only `y` or `Y` is yes; an end of input is no. */
  async confirm(question: string): Promise<boolean> {
    if (isTerminal(this.#io)) return confirm(this.#io, question);
    this.#io.stdout.write(`${question} [y/N] `);
    return (await this.#nextLine())?.trim().toLowerCase() === 'y';
  }

  /** Passphrases of `env`, else of the user. */
  passphrases(env: Io['env']): Passphrases {
    const asked = this.#asked();
    return environmentPassphrases(env, {
      ...asked,
      created: (request) => {
        // with a passphrase of the environment Docker says nothing
        if (request.role === 'root') warnOfNewRootKey(this.#io);
        return asked.created(request);
      },
    });
  }

  /** Lets go of standard input, which would keep the program waiting. */
  close(): void {
    this.#input?.reader.close();
    this.#input = undefined;
  }

  #asked(): Passphrases {
    const { stdout } = this.#io;
    return askedPassphrases({
      say: (text) => stdout.write(text),
      ask: async (prompt) => {
        if (isTerminal(this.#io)) return readSecret(this.#io, prompt);
        stdout.write(prompt);
        const line = await this.#nextLine();
        stdout.write('\n');
        return line?.trim();
      },
    });
  }

  async #nextLine(): Promise<string | undefined> {
    if (this.#input === undefined) {
      const reader = createInterface({ input: this.#io.stdin, crlfDelay: Number.POSITIVE_INFINITY });
      this.#input = { reader, lines: reader[Symbol.asyncIterator]() };
    }
    const next = await this.#input.lines.next();
    return next.done === true ? undefined : next.value;
  }
}
