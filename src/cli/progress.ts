// SPDX-License-Identifier: Apache-2.0
import type { Output } from './io.ts';
import { oneLine } from './one-line.ts';

/** One step of a transfer: an engine's or our own, of a layer or of the whole. */
export interface Progress {
  readonly id?: string;
  readonly status: string;
  readonly current?: number;
  readonly total?: number;
}

const BAR = 50;
const ESC = '\u001b[';

/**
 * Shows a transfer as Docker does: on a terminal one line a layer, rewritten in place with a bar; elsewhere one plain line
 * for each change of state.
 */
export class ProgressDisplay {
  readonly #output: Output;
  readonly #lines: string[] = [];
  readonly #last = new Map<string, string>();

  constructor(output: Output) {
    this.#output = output;
  }

  readonly show = (progress: Progress): void => {
    const { id } = progress;
    if (id === undefined || !this.#output.isTerminal) this.#plain(progress);
    else this.#inPlace(id, line(progress, this.#output.columns));
  };

  /** Bytes alone are no news where lines cannot be rewritten. */
  #plain({ id, status }: Progress): void {
    const key = id ?? '';
    if (id !== undefined && this.#last.get(key) === status) return;
    this.#last.set(key, status);
    this.#output.write(id === undefined ? `${oneLine(status)}\n` : `${oneLine(id)}: ${oneLine(status)}\n`);
    this.#lines.length = 0;
  }

  #inPlace(id: string, text: string): void {
    let index = this.#lines.indexOf(id);
    if (index < 0) {
      index = this.#lines.push(id) - 1;
      this.#output.write('\n');
    }
    const up = this.#lines.length - index;
    this.#output.write(`${ESC}${up}A\r${ESC}2K${text}${ESC}${up}B\r`);
  }
}

function line({ id, status, current, total }: Progress, columns: number): string {
  const head = `${oneLine(id ?? '')}: ${oneLine(status)}`;
  if (current === undefined || total === undefined || total === 0 || current >= total) return head.slice(0, columns);
  const filled = Math.round((current / total) * BAR);
  const bar = `[${'='.repeat(Math.max(0, filled - 1))}>${' '.repeat(BAR - Math.max(1, filled))}]`;
  return `${head} ${bar} ${bytes(current)}/${bytes(total)}`.slice(0, columns);
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** A size as Docker writes it: four digits at most, powers of 1000. */
function bytes(amount: number): string {
  let value = amount;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(4))}${UNITS[unit]}`;
}
