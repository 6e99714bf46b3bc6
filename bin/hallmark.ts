#!/usr/bin/env -S bun --no-env-file --config=/dev/null
// SPDX-License-Identifier: Apache-2.0
import { fstatSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import manifest from '../package.json' with { type: 'json' };
import type { Io, Output } from '../src/cli/index.ts';

const argv = process.argv.slice(2);
if (argv.length === 1 && argv[0] === '--version' && basename(process.argv0) !== 'docker') {
  // asked at every start of a shell or an editor: answered before anything is loaded
  writeSync(1, `${manifest.version}\n`);
} else {
  // whatever ends the program before the answer is a failure (S28)
  process.exitCode = 1;
  void import('../src/cli/index.ts').then(async ({ runProgram }) => {
    process.exitCode = await runProgram(basename(process.argv0), argv, processIo());
  });
}

function processIo(): Io {
  return {
    env: process.env,
    // opened only by what reads it
    get stdin() {
      return process.stdin;
    },
    stdout: output(1),
    stderr: output(2),
    now: () => new Date(),
    untilStopped: () => {
      // the build lets code run long before it is compiled, as suits a command that answers and ends; a service stays
      Bun.unsafe.setJITPolicy(1);
      return new Promise((resolve) => {
        process.once('SIGTERM', () => resolve());
        process.once('SIGINT', () => resolve());
      });
    },
    onSignal: (signal, listener) => void process.on(signal, listener),
  };
}

/** As a shell tells that a program was ended by SIGPIPE: nobody reads on, so what was not written is no success (S28). */
const BROKEN_PIPE = 128 + 13;
const BUSY_PAUSE_MILLISECONDS = 2;

/**
 * Written when `write` returns. The runtime's streams take as long to load as a whole verification: they are asked only
 * about what can be a terminal.
 */
function output(descriptor: 1 | 2): Output {
  const terminal = (): NodeJS.WriteStream | undefined => {
    if (!fstatSync(descriptor).isCharacterDevice()) return undefined;
    const stream = descriptor === 1 ? process.stdout : process.stderr;
    return stream.isTTY === true ? stream : undefined;
  };
  return {
    write: (content) => writeWhole(descriptor, typeof content === 'string' ? Buffer.from(content) : content),
    get isTerminal() {
      return terminal() !== undefined;
    },
    get columns() {
      return terminal()?.columns ?? 80;
    },
  };
}

function writeWhole(descriptor: number, content: Uint8Array): void {
  for (let rest = content; rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') process.exit(BROKEN_PIPE);
      if (code !== 'EAGAIN') throw error;
      // a pipe that another program made non-blocking, and whose reader is slow
      Bun.sleepSync(BUSY_PAUSE_MILLISECONDS);
    }
  }
}
