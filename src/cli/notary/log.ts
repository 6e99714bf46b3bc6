// SPDX-License-Identifier: Apache-2.0

import type { Io } from '../io.ts';
import { oneLine } from '../one-line.ts';

const LEVELS = ['error', 'warning', 'info', 'debug'] as const;
export type NotaryLogLevel = (typeof LEVELS)[number];

/** What the original logs: to standard error, errors and warnings unless more is asked for. */
export class NotaryLog {
  readonly #io: Io;
  readonly #level: NotaryLogLevel;

  constructor(io: Io, level: NotaryLogLevel) {
    this.#io = io;
    this.#level = level;
  }

  error(message: string): void {
    this.#write('error', message);
  }

  warn(message: string): void {
    this.#write('warning', message);
  }

  info(message: string): void {
    this.#write('info', message);
  }

  debug(message: string): void {
    this.#write('debug', message);
  }

  #write(level: NotaryLogLevel, message: string): void {
    if (LEVELS.indexOf(level) > LEVELS.indexOf(this.#level)) return;
    const time = this.#io
      .now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z');
    this.#io.stderr.write(`time="${time}" level=${level} msg=${JSON.stringify(oneLine(message))}\n`);
  }
}
