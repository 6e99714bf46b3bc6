// SPDX-License-Identifier: Apache-2.0
import { encodePem, encodeUtf8 } from '../../../encoding/index.ts';
import { writeNewPrivateFile } from '../../../signing/backup/index.ts';
import { type KeyOwner, keyAlias, openKeyStore, PrivateKey } from '../../../signing/index.ts';
import { formatTokenUri, openToken } from '../../../signing/pkcs11/index.ts';
import { type KeyAlgorithm, type KeyId, type PublicKey, verifyingKey } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { passphrasesFrom } from '../../passphrase-sources.ts';
import { warnOfNewRootKey } from '../../prompts.ts';
import { trustDirectory } from '../../settings.ts';
import { UsageError } from '../../usage-error.ts';
import { userPins } from '../../user-keys.ts';
import { ownerOf } from './chosen-keys.ts';
import { checkFree } from './free-path.ts';
import { oneToken } from './one-token.ts';
import { strongPassphrases } from './strong-passphrases.ts';

export interface GenerateOptions {
  readonly role: string;
  readonly gun?: string;
  readonly algorithm: string;
  readonly output?: string;
}

const ALGORITHMS: readonly string[] = ['ecdsa', 'ed25519', 'rsa'] satisfies KeyAlgorithm[];

interface Made {
  readonly keyId: KeyId;
  readonly key: PublicKey;
  readonly path: string;
}

/** `hallmark key generate`: a new key, for a role or for a signer. */
export async function generateKey(context: CommandContext, options: GenerateOptions): Promise<void> {
  const { io, globals } = context;
  const owner = ownerOf(options.role, options.gun);
  const algorithm = algorithmOf(options.algorithm, owner);
  // a key whose public half could not be written would be made for nothing
  if (options.output !== undefined) await checkFree(options.output);
  const { keyId, key, path } =
    globals.token === undefined ? await inFile(context, algorithm, owner) : await inToken(context, algorithm, owner);
  if (options.output !== undefined) await writeNewPrivateFile(options.output, publicKeyFile(key, owner));
  const answer = {
    keyId,
    role: owner.role,
    gun: owner.gun ?? null,
    algorithm,
    path,
    publicKey: options.output ?? null,
  };
  if (globals.json) io.stdout.write(jsonText(answer));
  else io.stdout.write(`Generated ${algorithm} ${owner.role} key with ID ${keyId}\n`);
  if (options.output !== undefined) io.stderr.write(`public key: ${options.output}\n`);
}

/** @throws UsageError */
function algorithmOf(text: string, { role }: KeyOwner): KeyAlgorithm {
  if (!ALGORITHMS.includes(text)) throw new UsageError(`--algorithm: ${text} is none of ${ALGORITHMS.join(', ')}`);
  if (text === 'ed25519' && role === 'root')
    throw new UsageError('a root key must be ecdsa or rsa: an ed25519 key cannot have a certificate');
  return text as KeyAlgorithm;
}

async function inFile({ io, globals }: CommandContext, algorithm: KeyAlgorithm, owner: KeyOwner): Promise<Made> {
  const directory = trustDirectory(io, globals);
  if (owner.role === 'root') warnOfNewRootKey(io);
  const key = PrivateKey.generate(algorithm);
  const passphrases = strongPassphrases(passphrasesFrom(io, globals));
  const request = { alias: keyAlias(owner.role), role: owner.role, keyId: key.keyId };
  await openKeyStore(directory).add(key, owner, await passphrases.created(request));
  return { keyId: key.keyId, key: key.key, path: `${directory}/private/${key.keyId}.key` };
}

async function inToken({ io, globals }: CommandContext, algorithm: KeyAlgorithm, owner: KeyOwner): Promise<Made> {
  const uri = oneToken(io, globals);
  const token = await openToken(uri, userPins(io, globals)(uri));
  const { keyId, key, label } = await token.generate(algorithm, owner);
  return { keyId, key, path: formatTokenUri({ token: token.label, object: label }) };
}

/** PEM with a `role` header, as `docker trust key generate` and `notary key generate` write it. */
function publicKeyFile(key: PublicKey, { role }: KeyOwner): Uint8Array {
  const bytes = new Uint8Array(verifyingKey(key).object.export({ format: 'der', type: 'spki' }));
  return encodeUtf8(encodePem({ label: 'PUBLIC KEY', headers: new Map([['role', role]]), bytes }));
}
