// SPDX-License-Identifier: Apache-2.0
import { type KeyInfo, KeyStoreError, openKeyStore } from '../../../signing/index.ts';
import { describeTokenKey, openToken, type TokenUri } from '../../../signing/pkcs11/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { trustDirectory } from '../../settings.ts';
import { table } from '../../table.ts';
import { tokenUris, userPins } from '../../user-keys.ts';

/** `hallmark key list`: every key that can be used from here, and what is in the way of others. */
export async function listKeys({ io, globals }: CommandContext): Promise<void> {
  const { keys: files, problems } = await openKeyStore(trustDirectory(io, globals)).list();
  const faults = [...problems];
  const held: KeyInfo[] = [];
  const pins = userPins(io, globals);
  for (const uri of tokenUris(io, globals)) {
    try {
      held.push(...(await keysOf(uri, pins)));
    } catch (error) {
      if (!(error instanceof KeyStoreError)) throw error;
      faults.push(error);
    }
  }
  const keys = [...held, ...files].sort(byRole);
  if (globals.json) io.stdout.write(jsonText(answer(keys, faults)));
  else io.stdout.write(keys.length === 0 ? 'No signing keys found.\n' : keyTable(keys));
  for (const { message, remedy } of faults)
    io.stderr.write(`Warning: ${message}\n${remedy === undefined ? '' : `hint: ${remedy}\n`}`);
}

async function keysOf(uri: TokenUri, pins: ReturnType<typeof userPins>): Promise<readonly KeyInfo[]> {
  const token = await openToken(uri, pins(uri));
  return (await token.keys()).map((key) => describeTokenKey(token, key));
}

/** Root keys first, as notary lists them. */
function byRole(a: KeyInfo, b: KeyInfo): number {
  const rank = ({ role, gun, keyId }: KeyInfo) => `${role === 'root' ? 0 : 1} ${gun ?? ''} ${role ?? ''} ${keyId}`;
  return rank(a) < rank(b) ? -1 : 1;
}

function keyTable(keys: readonly KeyInfo[]): string {
  const rows = keys.map(({ role, gun, keyId, path }) => [role ?? '', gun ?? '', keyId, path]);
  return table([['ROLE', 'GUN', 'KEY ID', 'LOCATION'], ...rows]);
}

function answer(keys: readonly KeyInfo[], problems: readonly KeyStoreError[]) {
  return {
    keys: keys.map(({ keyId, role, gun, path, encrypted, token }) => ({
      keyId,
      role: role ?? null,
      gun: gun ?? null,
      location: token === undefined ? 'file' : 'token',
      path,
      encrypted,
    })),
    problems: problems.map(({ code, message, path, remedy }) => ({
      code,
      message,
      path: path ?? null,
      remedy: remedy ?? null,
    })),
  };
}
