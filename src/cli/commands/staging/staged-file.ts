// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, open, rename, rm, writeFile } from 'node:fs/promises';
import {
  decodeStagedUpdate,
  encodeStagedUpdate,
  MAX_STAGED_BYTES,
  type StagedUpdate,
} from '../../../publisher/index.ts';
import { MetadataError } from '../../../tuf/index.ts';
import { UsageError } from '../../usage-error.ts';

/** @throws UsageError it cannot be read; MetadataError it is no staged update */
export async function readStagedFile(path: string): Promise<StagedUpdate> {
  const bytes = await readBounded(path).catch((cause) => {
    throw new UsageError(`cannot read staged file ${path}: ${codeOf(cause)}`, { cause });
  });
  try {
    return decodeStagedUpdate(bytes);
  } catch (cause) {
    if (!(cause instanceof MetadataError)) throw cause;
    throw new MetadataError(cause.code, `${path}: ${cause.message}`, { cause });
  }
}

/** One byte more than an update may have tells that it has too many; no more is read of what anybody may have sent (S23). */
async function readBounded(path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of createReadStream(path, { end: MAX_STAGED_BYTES })) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** Writes a new staged file, wholly or not at all; one that is there may hold the signatures of others. @throws UsageError */
export async function createStagedFile(path: string, update: StagedUpdate): Promise<void> {
  try {
    await writeBeside(path, update, async (temporary) => {
      await link(temporary, path).catch((cause) => takeName(temporary, path, cause));
      await rm(temporary, { force: true });
    });
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST')
      throw new UsageError(`${path} exists: sign it with hallmark cosign, or name another file`, { cause });
    throw new UsageError(`cannot write staged file ${path}: ${codeOf(cause)}`, { cause });
  }
}

/** Replaces a staged file as a whole, so that no signature is lost half-way. @throws UsageError */
export async function replaceStagedFile(path: string, update: StagedUpdate): Promise<void> {
  try {
    await writeBeside(path, update, (temporary) => rename(temporary, path));
  } catch (cause) {
    throw new UsageError(`cannot write staged file ${path}: ${codeOf(cause)}`, { cause });
  }
}

/** Memory sticks, on which these files travel, have no links: there a name that is free is taken. */
async function takeName(temporary: string, path: string, cause: unknown): Promise<void> {
  if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(codeOf(cause))) throw cause;
  await (await open(path, 'wx')).close();
  try {
    await rename(temporary, path);
  } catch (failure) {
    await rm(path, { force: true });
    throw failure;
  }
}

/** On disk, then under its name by `place`. */
async function writeBeside(
  path: string,
  update: StagedUpdate,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`;
  try {
    await writeFile(temporary, encodeStagedUpdate(update), { flag: 'wx', flush: true });
    await place(temporary);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
