// SPDX-License-Identifier: Apache-2.0
import type { ReadStream } from 'node:tty';
import { KeyStoreError, type PassphraseRequest, type Passphrases, passphraseProblem } from '../signing/index.ts';
import type { Io } from './io.ts';

const ROOT_WARNING = `You are about to create a new root signing key passphrase. This passphrase
will be used to protect the most sensitive key in your signing system. Please
choose a long, complex passphrase and be careful to keep the password and the
key file itself secure and backed up. It is highly recommended that you use a
password manager to generate the passphrase and keep it safe. There will be no
way to recover this key. You can find the key in your config directory.
`;
const MAX_ATTEMPTS = 12;
const SHORT_ID = 7;

/** Docker's warning before a root key is made (reference 10.2). */
export function warnOfNewRootKey(io: Io): void {
  io.stderr.write(ROOT_WARNING);
}

/** Somebody to ask for passphrases, and where to tell them what was wrong with an answer. */
export interface Asked {
  /** `undefined` when there is nobody, or nobody any more. */
  ask(prompt: string): Promise<string | undefined>;
  say(text: string): void;
}

/** Asks on the terminal in Docker's words; without a terminal nobody is asked. */
export function terminalPassphrases(io: Io): Passphrases {
  return askedPassphrases({
    ask: async (prompt) => (isTerminal(io) ? readSecret(io, prompt) : undefined),
    say: (text) => io.stderr.write(text),
  });
}

/** Asks in Docker's words. A key without an ID is one that is in a file still. */
export function askedPassphrases(asked: Asked): Passphrases {
  return {
    async existing({ alias, keyId, attempt }) {
      if (attempt > 0) asked.say('Passphrase incorrect. Please retry.\n');
      return asked.ask(
        `Enter passphrase for ${alias} key${keyId === '' ? '' : ` with ID ${keyId.slice(0, SHORT_ID)}`}: `,
      );
    },
    created: (request) => newPassphrase(asked, request),
  };
}

function noTerminal({ alias, keyId }: PassphraseRequest): KeyStoreError {
  const variable =
    alias === 'root' ? 'DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE' : 'DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE';
  return new KeyStoreError('no-passphrase', `no passphrase for the new ${alias} key, and no terminal to ask on`, {
    keyId,
    remedy: `set ${variable}, or give --passphrase-file ${alias}=FILE`,
  });
}

async function newPassphrase(asked: Asked, request: PassphraseRequest): Promise<string> {
  const { alias, keyId } = request;
  const name = `new ${alias} key with ID ${keyId.slice(0, SHORT_ID)}`;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const first = await asked.ask(`Enter passphrase for ${name}: `);
    if (first === undefined) throw noTerminal(request);
    const problem = passphraseProblem(first);
    if (problem !== undefined) {
      asked.say(`${problem}\n`);
      continue;
    }
    if ((await asked.ask(`Repeat passphrase for ${name}: `)) === first) return first;
    asked.say('Passphrases do not match. Please retry.\n');
  }
  throw new KeyStoreError('no-passphrase', 'maximum number of passphrase attempts exceeded', { keyId });
}

/** Asks a question; only `y` or `Y` is yes. Without a terminal the answer is no. */
export async function confirm(io: Io, question: string): Promise<boolean> {
  if (!isTerminal(io)) return false;
  const answer = await readLine(io, `${question} [y/N] `, true);
  return answer.trim().toLowerCase() === 'y';
}

export function isTerminal({ stdin }: Io): boolean {
  return 'isTTY' in stdin && stdin.isTTY === true;
}

/** A line that is shown as it is typed. */
export async function readAnswer(io: Io, prompt: string): Promise<string> {
  return (await readLine(io, prompt, true)).trim();
}

/** A line that is not shown, without white space around it. */
export async function readSecret(io: Io, prompt: string): Promise<string> {
  return (await readLine(io, prompt, false)).trim();
}

/** One line from the terminal in raw mode, so that a passphrase is never echoed. */
async function readLine(io: Io, prompt: string, echo: boolean): Promise<string> {
  const stdin = io.stdin as ReadStream;
  // before the prompt: who answers at once, or by a program, must not be echoed by the terminal either
  stdin.setRawMode(true);
  io.stderr.write(prompt);
  stdin.resume();
  try {
    return await collectLine(stdin, (text) => echo && io.stderr.write(text));
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    io.stderr.write('\n');
  }
}

/** What was typed ahead of the next question, by terminal. */
const typedAhead = new WeakMap<ReadStream, string>();

function collectLine(stdin: ReadStream, echo: (text: string) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    let line = '';
    const finish = (rest: string, settle: () => void): void => {
      typedAhead.set(stdin, rest);
      stdin.removeListener('data', onData);
      stdin.removeListener('end', onEnd);
      settle();
    };
    const take = (text: string): void => {
      for (const [index, char] of [...text].entries()) {
        const rest = [...text].slice(index + 1).join('');
        if (char === '\r' || char === '\n') {
          finish(rest, () => resolve(line));
          return;
        }
        if (char === '\u0003' || (char === '\u0004' && line === '')) {
          finish('', () => reject(interrupted()));
          return;
        }
        if (char === '\u007f' || char === '\b') line = [...line].slice(0, -1).join('');
        else {
          line += char;
          echo(char);
        }
      }
    };
    const onData = (chunk: Buffer | string): void => take(chunk.toString());
    const onEnd = (): void => finish('', () => reject(interrupted()));
    stdin.on('data', onData);
    stdin.on('end', onEnd);
    take(typedAhead.get(stdin) ?? '');
  });
}

function interrupted(): KeyStoreError {
  return new KeyStoreError('no-passphrase', 'interrupted');
}
