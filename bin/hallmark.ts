#!/usr/bin/env -S bun --no-env-file --config=/dev/null
// SPDX-License-Identifier: Apache-2.0
import { writeSync } from 'node:fs';
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
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    now: () => new Date(),
    untilStopped: () =>
      new Promise((resolve) => {
        process.once('SIGTERM', () => resolve());
        process.once('SIGINT', () => resolve());
      }),
    onSignal: (signal, listener) => void process.on(signal, listener),
  };
}

/** As a shell tells that a program was ended by SIGPIPE: nobody reads on, so what was not written is no success (S28). */
const BROKEN_PIPE = 128 + 13;

function output(stream: NodeJS.WriteStream): Output {
  const failed = (error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(BROKEN_PIPE);
    throw error;
  };
  stream.on('error', failed);
  return {
    write: (text) => {
      try {
        stream.write(text);
      } catch (error) {
        failed(error);
      }
    },
    isTerminal: stream.isTTY === true,
    columns: stream.columns ?? 80,
  };
}
