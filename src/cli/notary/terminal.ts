// SPDX-License-Identifier: Apache-2.0
import { environmentPassphrases, KeyStoreError, type Passphrases } from '../../signing/index.ts';
import type { Io } from '../io.ts';
import { isTerminal, terminalPassphrases, warnOfNewRootKey } from '../prompts.ts';

const NO_TERMINAL = 'Please either use environment variables or STDIN with a terminal to provide key passphrases';

/** The face asks on standard output, and everything it says is there (reference 11.1). */
function outputFirst(io: Io): Io {
  return { ...io, stderr: io.stdout };
}

/**
 * Passphrases of the four NOTARY_ variables, else asked on the terminal under the name of the role: Docker's variables and
 * its "repository" key mean nothing here.
 */
export function notaryPassphrases(io: Io): Passphrases {
  const terminal = terminalPassphrases(outputFirst(io));
  const { DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE, DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE, ...env } = io.env;
  return environmentPassphrases(env, {
    async existing(request) {
      if (!isTerminal(io)) throw new KeyStoreError('no-passphrase', NO_TERMINAL, { keyId: request.keyId });
      return terminal.existing({ ...request, alias: request.role });
    },
    async created(request) {
      if (!isTerminal(io)) throw new KeyStoreError('no-passphrase', NO_TERMINAL, { keyId: request.keyId });
      if (request.role === 'root') warnOfNewRootKey(outputFirst(io));
      return terminal.created({ ...request, alias: request.role });
    },
  });
}

/** Whether a question is answered with `y` or `yes`; the end of input is no. A pipe answers as well as a terminal. */
export async function isConfirmed(io: Io): Promise<boolean> {
  const answer = (await readLine(io.stdin)).trim().toLowerCase();
  return answer === 'y' || answer === 'yes';
}

const MAX_LINE = 4096;

/** One line of input without its end. */
export async function readLine(input: Io['stdin']): Promise<string> {
  const stdin: NodeJS.ReadableStream = input;
  let line = '';
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      stdin.removeListener('data', onData);
      stdin.removeListener('end', settle);
      stdin.removeListener('error', reject);
      stdin.pause();
      resolve(line.split('\n')[0] ?? '');
    };
    const onData = (chunk: Buffer | string): void => {
      line += chunk.toString();
      if (line.includes('\n') || line.length > MAX_LINE) settle();
    };
    stdin.on('data', onData);
    stdin.on('end', settle);
    stdin.on('error', reject);
    stdin.resume();
  });
}

/** The whole of standard input. */
export async function readAll(stdin: Io['stdin']): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stdin) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return new Uint8Array(Buffer.concat(chunks));
}
