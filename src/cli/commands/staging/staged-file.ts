// SPDX-License-Identifier: Apache-2.0
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { decodeStagedUpdate, encodeStagedUpdate, type StagedUpdate } from '../../../publisher/index.ts';
import { MetadataError } from '../../../tuf/index.ts';
import { UsageError } from '../../usage-error.ts';

/** @throws UsageError it cannot be read; MetadataError it is no staged update */
export async function readStagedFile(path: string): Promise<StagedUpdate> {
  const bytes = await readFile(path).catch((cause) => {
    throw new UsageError(`cannot read staged file ${path}: ${codeOf(cause)}`, { cause });
  });
  try {
    return decodeStagedUpdate(new Uint8Array(bytes));
  } catch (cause) {
    if (!(cause instanceof MetadataError)) throw cause;
    throw new MetadataError(cause.code, `${path}: ${cause.message}`, { cause });
  }
}

/** Writes a new staged file; one that is there may hold the signatures of others. @throws UsageError */
export async function createStagedFile(path: string, update: StagedUpdate): Promise<void> {
  await writeFile(path, encodeStagedUpdate(update), { flag: 'wx', flush: true }).catch((cause) => {
    if (codeOf(cause) === 'EEXIST')
      throw new UsageError(`${path} exists: sign it with hallmark cosign, or name another file`, { cause });
    throw new UsageError(`cannot write staged file ${path}: ${codeOf(cause)}`, { cause });
  });
}

/** Replaces a staged file as a whole, so that no signature is lost half-way. @throws UsageError */
export async function replaceStagedFile(path: string, update: StagedUpdate): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, encodeStagedUpdate(update), { flag: 'wx', flush: true });
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new UsageError(`cannot write staged file ${path}: ${codeOf(cause)}`, { cause });
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
