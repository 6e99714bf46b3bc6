// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DirectoryMetadataCache } from '../../../client/index.ts';
import {
  canonicalIdOf,
  type Gun,
  type KeyId,
  MetadataError,
  notaryV1,
  parseGun,
  ROOT,
  type RoleName,
  TARGETS,
} from '../../../tuf/index.ts';

/** Where a key signs, as far as this machine knows from repositories that it has used. */
export interface KeyUse {
  readonly gun: Gun;
  readonly role: string;
  /** Whether the role's other keys reach its threshold. */
  readonly isSpare: boolean;
}

const MAX_DEPTH = 32;

export function usesOf(trustDirectory: string, keyId: KeyId): readonly KeyUse[] {
  const cache = new DirectoryMetadataCache(trustDirectory);
  return guns(join(trustDirectory, 'tuf'), []).flatMap((gun) => [
    ...rolesOf(cache, gun, ROOT, keyId),
    ...rolesOf(cache, gun, TARGETS, keyId),
  ]);
}

/** Directories that hold `metadata`: their names make up the GUN. */
function guns(directory: string, parts: readonly string[]): readonly Gun[] {
  if (parts.length > MAX_DEPTH) return [];
  const names = directories(directory);
  const own = names.includes('metadata') && parts.length > 0 ? parsed(parts.join('/')) : [];
  const below = names.filter((name) => name !== 'metadata' && name !== 'changelist');
  return [...own, ...below.flatMap((name) => guns(join(directory, name), [...parts, name]))];
}

function directories(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    // what cannot be read is not known; nothing rests on it but a sentence
    return [];
  }
}

function parsed(text: string): readonly Gun[] {
  try {
    return [parseGun(text)];
  } catch (error) {
    if (error instanceof MetadataError) return [];
    throw error;
  }
}

function rolesOf(cache: DirectoryMetadataCache, gun: Gun, file: RoleName, keyId: KeyId): readonly KeyUse[] {
  try {
    const bytes = cache.load(gun, file);
    if (bytes === undefined) return [];
    return delegators(file, bytes).flatMap(({ name, keys, keyIds, threshold }) => {
      const canonical = new Set(keyIds.flatMap((id) => canonicalIdOf(keys.get(id)) ?? []));
      return canonical.has(keyId) ? [{ gun, role: name, isSpare: canonical.size > threshold }] : [];
    });
  } catch (error) {
    if (error instanceof MetadataError) return [];
    throw error;
  }
}

function delegators(file: RoleName, bytes: Uint8Array) {
  if (file === ROOT) {
    const { roles, keys } = notaryV1.decode('root', bytes).signed;
    return [...roles].map(([name, role]) => ({ name: name as string, keys, ...role }));
  }
  const { roles, keys } = notaryV1.decode('targets', bytes).signed.delegations;
  return roles.map((role) => ({ ...role, name: role.name as string, keys }));
}
