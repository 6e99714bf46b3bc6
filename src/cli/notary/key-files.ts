// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { DecodeError, decodePem, decodeUtf8, encodePem, encodeUtf8, type PemBlock } from '../../encoding/index.ts';
import { newKey } from '../../publisher/index.ts';
import {
  decodeKeyFile,
  encodeKeyFile,
  type KeyFile,
  KeyStoreError,
  keyAlias,
  openKeyFile,
  openKeyStore,
  PrivateKey,
  PrivateKeyError,
  type PrivateKeyStore,
  ROLES_OF_ONE_GUN,
  relabelKeyFile,
  sealKey,
} from '../../signing/index.ts';
import { type Gun, type KeyId, MetadataError, parseGun, parseKeyId } from '../../tuf/index.ts';
import { type Call, required } from './command.ts';
import { fileProblem, NotaryError, NotaryUsageError } from './errors.ts';
import { notaryPassphrases } from './terminal.ts';

/** `notary key generate` */
export async function generate(call: Call): Promise<void> {
  if (call.args.length > 1)
    throw new NotaryUsageError('Please provide only one Algorithm as an argument to generate (rsa, ecdsa)');
  const algorithm = (call.args[0] ?? 'ecdsa').toLowerCase();
  if (algorithm !== 'ecdsa') throw new NotaryError('Algorithm not allowed, possible values are: ECDSA');
  const output = call.flags.text('output');
  const role = call.flags.text('role') ?? 'root';
  if (output !== undefined) return generateFiles(call, output, role);
  const keys = { store: openKeyStore(call.settings.trustDir), passphrases: notaryPassphrases(call.io) };
  const key = await newKey(keys, role);
  call.say(`Generated new ecdsa ${role} key with keyID: ${key.keyId}\n`);
}

/** `NAME.pem` with the public key and `NAME-key.pem` with the private one; the key store knows nothing of them. */
async function generateFiles({ io }: Call, name: string, role: string): Promise<void> {
  const key = PrivateKey.generate();
  // the original asks under no name
  const passphrase = await notaryPassphrases(io).created({ alias: '', role: '', keyId: key.keyId });
  const headers = new Map([['role', role]]);
  write(`${name}.pem`, encodeUtf8(encodePem({ label: 'PUBLIC KEY', headers, bytes: key.key.bytes })));
  write(`${name}-key.pem`, encodeKeyFile(await sealKey(key, { role }, passphrase)));
}

/** `notary key export` */
export async function exportKeys(call: Call): Promise<void> {
  if (call.args.length > 0) throw new NotaryUsageError('export does not take any positional arguments');
  const [guns, ids, output] = [call.flags.texts('gun'), call.flags.texts('key'), call.flags.text('output')];
  if (guns.length > 0 && ids.length > 0)
    throw new NotaryError('Only the --gun or --key flag may be provided, not a mix of the two flags');
  const store = openKeyStore(call.settings.trustDir);
  const { keys, problems } = await store.list();
  for (const { message } of problems) call.log.warn(message);
  const wanted = keys.filter(
    ({ gun, keyId }) => (guns.length === 0 || guns.includes(gun ?? '')) && (ids.length === 0 || ids.includes(keyId)),
  );
  const files = await Promise.all(wanted.map(({ keyId }) => store.exportKey(keyId)));
  const text = new Uint8Array(Buffer.concat(files.map(encodeKeyFile)));
  if (output === undefined) call.io.stdout.write(text);
  else write(output, text);
}

function write(path: string, content: Uint8Array): void {
  try {
    writeFileSync(path, content, { mode: 0o600 });
  } catch (error) {
    throw fileProblem(error, path);
  }
}

/** `notary key import`: every block of every file by itself; it fails only when none was stored (reference 9.4). */
export async function importKeys(call: Call): Promise<void> {
  const files = required(call, 1, 'must specify at least one input file to import keys from');
  const store = openKeyStore(call.settings.trustDir);
  for (const file of files) {
    const blocks = blocksOf(file);
    let imported = 0;
    for (const block of blocks) if (await importBlock(call, store, block)) imported++;
    if (blocks.length > 0 && imported === 0) throw new NotaryError('failed to import all keys: invalid key pem block');
  }
}

function blocksOf(file: string): readonly PemBlock[] {
  try {
    return decodePem(decodeUtf8(new Uint8Array(readFileSync(file))));
  } catch (error) {
    if (error instanceof DecodeError) throw new NotaryError(`${file} is no PEM file: ${error.message}`);
    throw fileProblem(error, file);
  }
}

async function importBlock(call: Call, store: PrivateKeyStore, block: PemBlock): Promise<boolean> {
  try {
    const file = decodeKeyFile(encodeUtf8(encodePem(block)));
    const role = file.role ?? call.flags.text('role') ?? 'delegation';
    const gun = gunOf(file, role, call.flags.text('gun'));
    if (file.encrypted) await store.importKey(idOf(file), relabelKeyFile(file, { role, gun }));
    else await importPlain(call, store, file, role, gun);
    return true;
  } catch (error) {
    if (error instanceof KeyStoreError && error.code === 'no-passphrase') throw error;
    const isKnown = error instanceof PrivateKeyError || error instanceof NotaryError || error instanceof MetadataError;
    if (!isKnown && !(error instanceof KeyStoreError)) throw error;
    call.log.warn(`failed to import key to store: ${error.message}`);
    return false;
  }
}

async function importPlain(
  { io }: Call,
  store: PrivateKeyStore,
  file: KeyFile,
  role: string,
  gun: Gun | undefined,
): Promise<void> {
  const key = await openKeyFile(file, undefined);
  const passphrase = await notaryPassphrases(io).created({ alias: keyAlias(role), role, keyId: key.keyId });
  await store.add(key, { role, gun }, passphrase);
}

function gunOf(file: KeyFile, role: string, flag: string | undefined): Gun | undefined {
  if (!ROLES_OF_ONE_GUN.includes(role)) return undefined;
  const gun = file.gun ?? (flag === undefined ? undefined : parseGun(flag));
  if (gun !== undefined) return gun;
  throw new NotaryError("Cannot have canonical role key without a gun, don't know what gun it belongs to");
}

/** An encrypted key does not show its ID; an export says it. */
function idOf({ path }: KeyFile): KeyId {
  if (path !== undefined) return parseKeyId(path.replace(/(?:_[a-z]+)?(?:\.key)?$/, ''));
  throw new NotaryError('Invalid key generated, key may be encrypted and does not contain path header');
}
