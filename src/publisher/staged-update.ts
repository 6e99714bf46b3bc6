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
  type KeyId,
  kindOf,
  MetadataError,
  parseGun,
  parseKeyId,
  parseRoleName,
  type RoleName,
  type Signature,
} from '../tuf/index.ts';
import type { Draft } from './draft.ts';
import { PublishError } from './errors.ts';
import { addSignatures, completeFile, missingSignatures, type PendingFile, type SigningKeys } from './sign-role.ts';

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

/** @throws MetadataError `malformed` */
export function decodeStagedUpdate(bytes: Uint8Array): StagedUpdate {
  try {
    const document = decodeJsonObject(bytes);
    if (document.get('format') !== FORMAT) throw new DecodeError(`not of the form ${FORMAT}`);
    return { gun: parseGun(text(document, 'gun')), files: list(document, 'files').map(decodeFile) };
  } catch (cause) {
    if (cause instanceof DecodeError)
      throw new MetadataError('malformed', `staged update: ${cause.message}`, { cause });
    throw cause;
  }
}

function decodeFile(value: JsonObject): StagedFile {
  const signatures = list(value, 'signatures').map((signature) => ({
    keyId: parseKeyId(text(signature, 'keyid')),
    method: text(signature, 'method'),
    bytes: decodeBase64(text(signature, 'sig')),
  }));
  return { role: parseRoleName(text(value, 'role')), signedBytes: decodeBase64(text(value, 'signed')), signatures };
}

function text(object: JsonObject, name: string): string {
  const value = object.get(name);
  if (typeof value !== 'string') throw new DecodeError(`${name} is not a string`);
  return value;
}

function list(object: JsonObject, name: string): readonly JsonObject[] {
  const value: JsonValue | undefined = object.get(name);
  if (!Array.isArray(value)) throw new DecodeError(`${name} is not an array`);
  return value.map((entry) => {
    if (!(entry instanceof Map)) throw new DecodeError(`${name} holds something other than objects`);
    return entry as JsonObject;
  });
}

/** A draft as a staged update, with the signatures of the keys at hand. @throws KeyStoreError */
export async function stageDraft(draft: Draft, dialect: Dialect, keys: SigningKeys, gun: Gun): Promise<StagedUpdate> {
  const files: StagedFile[] = [];
  for (const pending of draft.pending(dialect)) {
    const { role, signedBytes, signatures } = await addSignatures(keys, pending);
    files.push({ role, signedBytes, signatures });
  }
  return { gun, files };
}

/** A staged file set against the repository as the reader trusts it: what it changes, who signed, who is missing. */
export interface StagedReview {
  readonly pending: PendingFile;
  readonly missing: readonly { readonly needed: number; readonly keyIds: readonly KeyId[] }[];
}

/**
 * Puts a staged update onto a fresh draft. Files must follow the repository's present state: one that was overtaken by
 * another publication is refused, since nobody can publish it any more.
 * @throws PublishError `conflict`; MetadataError
 */
export function applyStagedUpdate(
  { files }: StagedUpdate,
  draft: Draft,
  dialect: Dialect,
  now: Date,
): readonly StagedReview[] {
  for (const { role, signedBytes } of files) {
    const kind = kindOf(role);
    const signed = dialect.decodeSigned(kind, signedBytes);
    const present = signed.type === 'root' ? draft.root : signed.type === 'targets' ? draft.targets(role) : undefined;
    if (signed.version !== (present?.version ?? 0) + 1) {
      throw new PublishError(
        'conflict',
        `${role} ${signed.version} was staged on another state: the repository has version ${present?.version ?? 0}`,
        { roles: [role] },
      );
    }
    if (signed.type === 'root') draft.editRoot(now, () => signed);
    else if (signed.type === 'targets') draft.edit(role, now, () => signed);
  }
  return draft.pending(dialect).map((pending) => {
    const staged = files.find(({ role }) => role === pending.role);
    const file = {
      ...pending,
      signedBytes: staged?.signedBytes ?? pending.signedBytes,
      signatures: staged?.signatures ?? [],
    };
    return { pending: file, missing: missingSignatures(dialect, file) };
  });
}

/** Adds the signatures of the keys at hand. @throws KeyStoreError */
export async function cosign(
  update: StagedUpdate,
  reviews: readonly StagedReview[],
  keys: SigningKeys,
): Promise<StagedUpdate> {
  const files: StagedFile[] = [];
  for (const { pending } of reviews) {
    const { role, signedBytes, signatures } = await addSignatures(keys, pending);
    files.push({ role, signedBytes, signatures });
  }
  return { gun: update.gun, files };
}

/** The complete files of a staged update. @throws PublishError `no-signing-key` if a threshold is not reached */
export function completeStagedUpdate(
  reviews: readonly StagedReview[],
  dialect: Dialect,
): ReadonlyMap<RoleName, Uint8Array> {
  return new Map(reviews.map(({ pending }) => [pending.role, completeFile(dialect, pending)]));
}
