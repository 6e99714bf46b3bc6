// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { KeyStoreError } from '../errors.ts';
import { type Cryptoki, Rv, returnValue } from './cryptoki.ts';
import type { TokenUri } from './token-uri.ts';

/** Where systems keep token libraries. Fixed: nothing is ever searched in the working directory (S35). */
const DIRECTORIES = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu/pkcs11',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu/pkcs11',
  '/usr/lib64',
  '/usr/lib64/pkcs11',
  '/usr/lib',
  '/usr/lib/pkcs11',
  '/usr/lib/softhsm',
  '/usr/local/lib',
  '/usr/local/lib/pkcs11',
  '/usr/local/lib/softhsm',
  '/opt/homebrew/lib',
];
/** Taken where a URI names no library: all modules that the system has registered, else a YubiKey's own. */
const DEFAULT_MODULES = ['p11-kit-proxy', 'ykcs11'];
const ENDINGS = process.platform === 'darwin' ? ['.dylib', '.so'] : ['.so', '.so.1', '.so.2'];

const modules = new Map<string, Promise<Cryptoki>>();

/**
 * The token library of a URI, loaded once in the life of the program. Until here nothing of PKCS#11 is loaded.
 * @throws KeyStoreError `token-module`
 */
export function loadCryptoki(uri: TokenUri): Promise<Cryptoki> {
  const path = modulePath(uri);
  const known = modules.get(path);
  if (known !== undefined) return known;
  const loading = load(path);
  modules.set(path, loading);
  return loading;
}

function modulePath({ modulePath: given, moduleName }: TokenUri): string {
  if (given !== undefined) return given;
  const names = moduleName === undefined ? DEFAULT_MODULES : [moduleName, `lib${moduleName}`];
  const candidates = names.flatMap((name) => [name, `lib${name}`]).flatMap((name) => ENDINGS.map((end) => name + end));
  for (const candidate of candidates) {
    const found = DIRECTORIES.map((directory) => join(directory, candidate)).find((path) => existsSync(path));
    if (found !== undefined) return found;
  }
  throw new KeyStoreError(
    'token-module',
    moduleName === undefined
      ? 'no token library was named, and none is installed'
      : `no token library ${moduleName} is installed`,
    { remedy: "name it in the token's URI: pkcs11:token=LABEL?module-path=/path/to/lib.so" },
  );
}

async function load(path: string): Promise<Cryptoki> {
  const library = new (await pkcs11js())();
  try {
    library.load(path);
  } catch (cause) {
    throw new KeyStoreError('token-module', `cannot load the token library ${path}: ${reasonOf(cause)}`, {
      path,
      cause,
      remedy: 'install it, or name another with module-path in the token URI',
    });
  }
  try {
    library.C_Initialize();
  } catch (cause) {
    if (returnValue(cause) !== Rv.alreadyInitialized)
      throw new KeyStoreError('token-module', `the token library ${path} does not start: ${reasonOf(cause)}`, {
        path,
        cause,
      });
  }
  return library as unknown as Cryptoki;
}

/** A native add-on, which need not be installed: only who asks for a token needs it. */
async function pkcs11js() {
  try {
    const loaded = await import('pkcs11js');
    // one of the two, depending on how the program was built
    return loaded.PKCS11 ?? (loaded as unknown as { default: typeof loaded }).default.PKCS11;
  } catch (cause) {
    throw new KeyStoreError('token-module', 'this program was installed without pkcs11js, which tokens need', {
      cause,
      remedy: 'npm install pkcs11js (it needs a C++ compiler), or take a released program',
    });
  }
}

function reasonOf(cause: unknown): string {
  const [line = 'unknown error'] = cause instanceof Error ? cause.message.split('\n') : [];
  return line.replace(/\p{Cc}/gu, ' ').slice(0, 300);
}
