// SPDX-License-Identifier: Apache-2.0
import { decodeUtf8 } from '../../../encoding/index.ts';
import { rootCertificatesFor } from '../../../publisher/index.ts';
import { writeNewPrivateFile } from '../../../signing/backup/index.ts';
import { type KeyInfo, KeyStoreError } from '../../../signing/index.ts';
import { keyId as certificateIdOf, leafCertificate, type PublicKey } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { passphrasesFrom } from '../../passphrase-sources.ts';
import { userKeys } from '../../user-keys.ts';
import { chosenKey, describeKey, parsedGun } from './chosen-keys.ts';
import { checkFree } from './free-path.ts';

export interface CertificateOptions {
  readonly output?: string;
}

/**
 * `hallmark key certificate`: one's own root key as a certificate for a repository, for whoever makes it one of several
 * root keys there. It tells nothing secret and publishes nothing.
 */
export async function writeCertificate(
  { io, globals }: CommandContext,
  text: string,
  keyText: string,
  { output }: CertificateOptions,
): Promise<void> {
  const gun = parsedGun(text);
  const store = userKeys(io, globals);
  const info = chosenKey((await store.list()).keys, keyText);
  checkRootKey(info);
  if (output !== undefined) await checkFree(output);
  const signer = await store.get(info.keyId, passphrasesFrom(io, globals));
  const [made] = await rootCertificatesFor([signer], gun, io.now());
  const certificate = made as PublicKey;
  // such a key is listed as PEM
  const pem = decodeUtf8(certificate.bytes);
  if (output !== undefined) await writeNewPrivateFile(output, certificate.bytes);
  const answer = {
    gun,
    keyId: info.keyId,
    certificateId: certificateIdOf(certificate),
    expires: new Date(leafCertificate(certificate).validTo).toISOString(),
    ...(output === undefined ? { pem } : { file: output }),
  };
  if (globals.json) io.stdout.write(jsonText(answer));
  else if (output === undefined) io.stdout.write(pem);
  else io.stdout.write(`Wrote a certificate of ${describeKey(info)} for ${gun} to ${output}\n`);
}

/** A signer's key in a root would be one person's in two places. @throws KeyStoreError */
function checkRootKey({ keyId, role }: KeyInfo): void {
  if (role === 'root') return;
  throw new KeyStoreError('unsupported', `${role ?? 'delegation'} key ${keyId} is no root key`, {
    keyId,
    remedy: 'make one: hallmark key generate --role root',
  });
}
