// SPDX-License-Identifier: Apache-2.0
import {
  DecodeError,
  decodeBase64,
  decodeJsonObject,
  encodeBase64,
  encodeUtf8,
  type JsonObject,
  type JsonValue,
} from '../encoding/index.ts';
import {
  type Dialect,
  type Gun,
  MetadataError,
  parseGun,
  parseKeyId,
  parseRoleName,
  type RoleName,
  type Signature,
} from '../tuf/index.ts';
import type { Draft } from './draft.ts';
import { PublishError } from './errors.ts';
import { addSignatures, type SigningKeys } from './sign-role.ts';

/** One file of a staged update, as it travels: the bytes to sign and the signatures so far. */
export interface StagedFile {
  readonly role: RoleName;
  readonly signedBytes: Uint8Array;
  readonly signatures: readonly Signature[];
}

/**
 * The next versions of some roles on their way from signer to signer, on different machines, until each threshold is
 * reached. It holds no key and no secret. Who may sign is never taken from it: each reader holds it against the
 * repository as they themselves trust it.
 */
export interface StagedUpdate {
  readonly gun: Gun;
  readonly files: readonly StagedFile[];
}

const FORMAT = 'hallmark-staged-update-1';
/** More than any update needs: the rest would only cost time (S23). */
export const MAX_STAGED_BYTES = 64 * 1024 * 1024;
const MAX_FILES = 256;
const MAX_SIGNATURES = 256;
const METHOD = /^[a-z0-9-]{1,40}$/;

export function encodeStagedUpdate({ gun, files }: StagedUpdate): Uint8Array {
  const document = {
    format: FORMAT,
    gun,
    files: files.map(({ role, signedBytes, signatures }) => ({
      role,
      signed: encodeBase64(signedBytes),
      signatures: signatures.map(({ keyId, method, bytes }) => ({ keyid: keyId, method, sig: encodeBase64(bytes) })),
    })),
  };
  return encodeUtf8(`${JSON.stringify(document, null, 1)}\n`);
}

/** Reads what may come from anybody; nothing of it is believed. @throws MetadataError `malformed` */
export function decodeStagedUpdate(bytes: Uint8Array): StagedUpdate {
  try {
    if (bytes.length > MAX_STAGED_BYTES) throw new DecodeError(`of more than ${MAX_STAGED_BYTES} bytes`);
    const document = decodeJsonObject(bytes);
    only(document, ['format', 'gun', 'files']);
    if (document.get('format') !== FORMAT) throw new DecodeError(`not of the form ${FORMAT}`);
    const files = list(document, 'files', MAX_FILES).map(decodeFile);
    if (files.length === 0) throw new DecodeError('without files');
    if (new Set(files.map(({ role }) => role)).size < files.length) throw new DecodeError('with a role named twice');
    return { gun: parseGun(text(document, 'gun')), files };
  } catch (cause) {
    if (cause instanceof DecodeError)
      throw new MetadataError('malformed', `staged update: ${cause.message}`, { cause });
    throw cause;
  }
}

function decodeFile(value: JsonObject): StagedFile {
  only(value, ['role', 'signed', 'signatures']);
  const signatures = list(value, 'signatures', MAX_SIGNATURES).map(decodeSignature);
  return { role: parseRoleName(text(value, 'role')), signedBytes: decodeBase64(text(value, 'signed')), signatures };
}

function decodeSignature(value: JsonObject): Signature {
  only(value, ['keyid', 'method', 'sig']);
  const method = text(value, 'method');
  if (!METHOD.test(method)) throw new DecodeError('method is no name of a signature method');
  return { keyId: parseKeyId(text(value, 'keyid')), method, bytes: decodeBase64(text(value, 'sig')) };
}

function only(object: JsonObject, names: readonly string[]): void {
  for (const name of object.keys())
    if (!names.includes(name)) throw new DecodeError(`unknown field ${JSON.stringify(name.slice(0, 60))}`);
}

function text(object: JsonObject, name: string): string {
  const value = object.get(name);
  if (typeof value !== 'string') throw new DecodeError(`${name} is not a string`);
  return value;
}

function list(object: JsonObject, name: string, max: number): readonly JsonObject[] {
  const value: JsonValue | undefined = object.get(name);
  if (!Array.isArray(value)) throw new DecodeError(`${name} is not an array`);
  if (value.length > max) throw new DecodeError(`${name} has more than ${max} entries`);
  return value.map((entry) => {
    if (!(entry instanceof Map)) throw new DecodeError(`${name} holds something other than objects`);
    return entry as JsonObject;
  });
}

/**
 * A draft as a staged update, with the signatures of the keys at hand.
 * @throws PublishError `not-signed` for a repository that was never published: others could not hold the update against
 * anything; KeyStoreError
 */
export async function stageDraft(draft: Draft, dialect: Dialect, keys: SigningKeys, gun: Gun): Promise<StagedUpdate> {
  if (draft.isNew) throw new PublishError('not-signed', `${gun} has no trust data: publish it once before staging`);
  const files: StagedFile[] = [];
  for (const pending of draft.pending(dialect)) {
    const { role, signedBytes, signatures } = await addSignatures(keys, pending);
    files.push({ role, signedBytes, signatures });
  }
  return { gun, files };
}
