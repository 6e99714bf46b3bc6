// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { PassThrough } from 'node:stream';
import type { Io } from './io.ts';
import { readSecret } from './prompts.ts';

/** A terminal that echoes unless it is in raw mode, and whose user answers as soon as a prompt is seen. */
class Terminal extends PassThrough {
  readonly isTTY = true;
  raw = false;
  shown = '';
  readonly #answer: string;

  constructor(answer: string) {
    super();
    this.#answer = answer;
  }

  setRawMode(raw: boolean): this {
    this.raw = raw;
    return this;
  }

  show(text: string): void {
    this.shown += text;
    if (!text.endsWith(': ')) return;
    if (!this.raw) this.shown += this.#answer;
    super.write(this.#answer);
  }
}

test('a passphrase is not echoed, however fast the answer comes', async () => {
  const terminal = new Terminal('secret-of-mine\r');
  const io = { stdin: terminal, stderr: { write: (text: string) => terminal.show(text) } } as unknown as Io;

  expect(await readSecret(io, 'Enter passphrase: ')).toBe('secret-of-mine');
  expect(terminal.shown).toBe('Enter passphrase: \n');
  expect(terminal.raw).toBe(false);
});
