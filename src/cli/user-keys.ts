// SPDX-License-Identifier: Apache-2.0
import { closeSync, readFileSync } from 'node:fs';
import { type KeyStore, openKeyStore, readSecretFile } from '../signing/index.ts';
import { type Pins, parseTokenUri, type TokenUri, withTokens } from '../signing/pkcs11/index.ts';
import type { Io } from './io.ts';
import { isTerminal, readSecret } from './prompts.ts';
import { type GlobalOptions, trustDirectory } from './settings.ts';
import { UsageError } from './usage-error.ts';

/** The user's keys: the files of the trust directory, and those of the tokens that are asked for. */
export function userKeys(io: Io, options: GlobalOptions): KeyStore {
  return withTokens(openKeyStore(trustDirectory(io, options)), tokenUris(io, options), userPins(io, options));
}

/** `--token`, each one, or the URIs in `HALLMARK_TOKEN` with blanks between them. @throws KeyStoreError `malformed` */
export function tokenUris(io: Io, options: GlobalOptions): readonly TokenUri[] {
  const texts = options.token ?? (io.env.HALLMARK_TOKEN ?? '').split(/\s+/).filter((text) => text !== '');
  return texts.map(parseTokenUri);
}

/** PINs of a token: its `pin-source` file, `--pin-fd`, or the terminal; a PIN that no person typed is tried once (S6). */
export function userPins(io: Io, options: GlobalOptions): (uri: TokenUri) => Pins {
  const descriptors = (options.pinFd ?? []).map(descriptorPin);
  return ({ pinFile }) => ({
    async pin({ token, attempt, isFinalTry }) {
      const given =
        descriptors.find(({ label }) => label === token) ?? descriptors.find(({ label }) => label === undefined);
      if (pinFile !== undefined || given !== undefined) {
        if (attempt > 0) return undefined;
        return pinFile === undefined
          ? given?.read()
          : firstLine(new TextDecoder().decode(await readSecretFile(pinFile)));
      }
      if (!isTerminal(io)) return undefined;
      if (attempt > 0) io.stderr.write('PIN incorrect. Please retry.\n');
      if (isFinalTry) io.stderr.write('Warning: one try is left; a wrong PIN locks the token\n');
      return readSecret(io, `Enter PIN of token ${JSON.stringify(token)}: `);
    },
    warn: (message) => io.stderr.write(`Warning: ${message}\n`),
  });
}

/** Read when it is needed, and once: a pipe gives what it has one time only. */
function descriptorPin(text: string): { label: string | undefined; read: () => string } {
  const [, label, number] = /^(?:(.+)=)?(\d{1,6})$/s.exec(text) ?? [];
  // the text is not repeated: somebody may have given the PIN itself
  if (number === undefined) throw new UsageError('--pin-fd takes the number of an open file descriptor');
  let pin: string | undefined;
  const read = () => {
    pin ??= firstLine(readDescriptor(Number(number)));
    return pin;
  };
  return { label, read };
}

function readDescriptor(descriptor: number): string {
  try {
    const content = readFileSync(descriptor, 'utf8');
    if (descriptor > 2) closeSync(descriptor);
    return content;
  } catch (cause) {
    throw new UsageError('--pin-fd: nothing can be read from that file descriptor', { cause });
  }
}

function firstLine(text: string): string {
  return text.replace(/\r?\n[\s\S]*$/, '');
}
