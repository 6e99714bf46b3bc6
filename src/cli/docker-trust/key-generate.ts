// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { encodePem } from '../../encoding/index.ts';
import { newKey } from '../../publisher/index.ts';
import { openKeyStore } from '../../signing/index.ts';
import { trustDirectory } from '../settings.ts';
import type { TrustCommandAction } from './context.ts';
import { TrustCommandError, wrappedKeyFailure } from './errors.ts';
import { checkName } from './key-names.ts';

const PRIVATE = 0o600;

/** `docker trust key generate`: a private key in the store, and its public half in a file to be given to owners. */
export const keyGenerate: TrustCommandAction = async ({ io, questions }, [name = ''], { values }) => {
  const cwd = io.cwd ?? process.cwd();
  const directory = values.get('dir')?.at(-1) ?? cwd;
  checkName('key', name);
  if (!existsSync(resolve(cwd, directory))) {
    throw new TrustCommandError(`public key path does not exist: "${directory}"`);
  }
  const shown = join(directory, `${name}.pub`);
  const path = resolve(cwd, shown);
  if (existsSync(path)) throw new TrustCommandError(`public key file already exists: "${shown}"`);
  io.stdout.write(`Generating key for ${name}...\n`);
  try {
    const keys = { store: openKeyStore(trustDirectory(io, {})), passphrases: questions.passphrases(io.env) };
    const { key } = await newKey(keys, name);
    const pem = encodePem({ label: 'PUBLIC KEY', headers: new Map([['role', name]]), bytes: key.bytes });
    await writeFile(path, pem, { mode: PRIVATE, flag: 'wx' });
  } catch (error) {
    throw wrappedKeyFailure(`failed to generate key for ${name}`, error, name);
  }
  io.stdout.write(`Successfully generated and loaded private key. Corresponding public key available: ${shown}\n`);
};
