// SPDX-License-Identifier: Apache-2.0
import { PublishError } from '../../publisher/index.ts';
import { canonicalKeyId, type KeyId, type PublicKey } from '../../tuf/index.ts';
import { autoPublish } from './collection.ts';
import { type Call, required } from './command.ts';
import { NotaryError } from './errors.ts';
import { takeKeyFile } from './private-key-file.ts';
import { readRootCertificates } from './public-key-file.ts';
import { NotaryRepository } from './repository.ts';

/** `notary init`: keys and the first metadata, on this machine alone until they are published. */
export async function init(call: Call): Promise<void> {
  const [gun] = required(call, 1, 'Must specify a GUN');
  const repository = new NotaryRepository(call, gun);
  const [keyFile, certificateFile] = [call.flags.text('rootkey'), call.flags.text('rootcert')];
  const given = keyFile === undefined ? undefined : (await takeKeyFile(repository, keyFile, 'root')).keyId;
  const certificates = certificateFile === undefined ? undefined : readRootCertificates(certificateFile);
  const rootKeyIds = given === undefined ? await storedRootKeys(repository, certificates) : [given];
  if (rootKeyIds[0] !== undefined) call.say(`Root key found, using: ${rootKeyIds[0]}\n`);
  if (certificates !== undefined) checkCertificates(certificates, rootKeyIds, given !== undefined);
  await make(repository, rootKeyIds, certificates);
  await autoPublish(call, repository);
}

async function make(
  repository: NotaryRepository,
  rootKeyIds: readonly KeyId[],
  rootCertificates: readonly PublicKey[] | undefined,
): Promise<void> {
  try {
    await repository.initialize({
      ...(rootKeyIds.length === 0 ? {} : { rootKeyIds }),
      ...(rootCertificates === undefined ? {} : { rootCertificates }),
    });
  } catch (cause) {
    if (rootCertificates === undefined || !(cause instanceof PublishError)) throw cause;
    throw new NotaryError(`error initializing repository with certificate: ${cause.message}`, { cause });
  }
}

/** The keys of the certificates, or the one root key that Docker and Notary would take. */
async function storedRootKeys(
  { keys }: NotaryRepository,
  certificates: readonly PublicKey[] | undefined,
): Promise<readonly KeyId[]> {
  const stored = (await keys.store.list()).keys.filter(({ role }) => role === 'root').map(({ keyId }) => keyId);
  if (certificates === undefined) return stored.slice(0, 1);
  const wanted = certificates.map(canonicalKeyId);
  return stored.filter((id) => wanted.includes(id));
}

function checkCertificates(certificates: readonly PublicKey[], keyIds: readonly KeyId[], isKeyGiven: boolean): void {
  const isMatched = certificates.every((certificate) => keyIds.includes(canonicalKeyId(certificate)));
  if (isMatched) return;
  throw new NotaryError(
    isKeyGiven
      ? 'could not obtain public key from IDs: private key is nil or does not match public key'
      : 'error initializing repository with certificate: cannot find matching private key id',
  );
}
