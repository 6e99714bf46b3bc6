// SPDX-License-Identifier: Apache-2.0
import { writeNewPrivateFile } from '../../../signing/backup/index.ts';
import { encodeKeyFile, type KeyInfo, KeyStoreError } from '../../../signing/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { UsageError } from '../../usage-error.ts';
import { userKeys } from '../../user-keys.ts';
import { chosenKey, parsedGun } from './chosen-keys.ts';

export interface ExportOptions {
  readonly gun?: string;
  readonly output?: string;
}

/** `hallmark key export`: key files as they are, encrypted, one after the other with `path` headers. */
export async function exportKeys(
  { io, globals }: CommandContext,
  texts: readonly string[],
  { gun, output }: ExportOptions,
): Promise<void> {
  if (gun !== undefined && texts.length > 0) throw new UsageError('give key IDs or --gun, not both');
  const store = userKeys(io, globals);
  const chosen = wanted((await store.list()).keys, texts, gun);
  const blocks: Uint8Array[] = [];
  for (const info of chosen) {
    const file = await store.exportKey(info.keyId);
    if (!file.encrypted) throw unencrypted(info);
    blocks.push(encodeKeyFile(file));
  }
  const pem = Buffer.concat(blocks);
  if (output !== undefined) await writeNewPrivateFile(output, new Uint8Array(pem));
  const exported = chosen.map(({ keyId, role, gun: owner }) => ({ keyId, role: role ?? null, gun: owner ?? null }));
  if (globals.json) {
    const place = output === undefined ? { pem: pem.toString() } : { file: output };
    io.stdout.write(jsonText({ exported, ...place }));
  } else if (output === undefined) io.stdout.write(pem.toString());
  else io.stdout.write(`Exported ${chosen.length} ${chosen.length === 1 ? 'key' : 'keys'} to ${output}\n`);
}

/** Named keys, those of a repository, or all; keys of tokens only where they are named, to be refused. */
function wanted(keys: readonly KeyInfo[], texts: readonly string[], gun: string | undefined): readonly KeyInfo[] {
  if (texts.length > 0) return texts.map((text) => chosenKey(keys, text));
  const files = keys.filter(({ token }) => token === undefined);
  const name = gun === undefined ? undefined : parsedGun(gun);
  const found = name === undefined ? files : files.filter((key) => key.gun === name);
  if (found.length > 0) return found;
  throw new KeyStoreError(
    'not-found',
    name === undefined ? 'there are no key files to export' : `there are no key files of ${name}`,
    {
      remedy: 'see the keys there are: hallmark key list',
    },
  );
}

function unencrypted({ keyId, path }: KeyInfo): KeyStoreError {
  return new KeyStoreError('passphrase-needed', `key ${keyId} is not encrypted: ${path}`, {
    keyId,
    path,
    remedy: `hallmark key passwd ${keyId}`,
  });
}
