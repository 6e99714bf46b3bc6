// SPDX-License-Identifier: Apache-2.0
import { pathAndQuery } from '../service/index.ts';
import { type Gun, isTopLevel, MetadataError, parseGun, parseRoleName, type RoleName } from '../tuf/index.ts';
import { TrustProblem } from './problems.ts';

/** The path of a request's URL, percent-decoded once; `undefined` if its escapes spell no text. */
export function decodedPath(url: string): string | undefined {
  const [path] = pathAndQuery(url);
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** The path without empty, `.` and `..` components, as Go's router redirects to it. */
export function cleanPath(path: string): string {
  const kept: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') kept.pop();
    else if (part !== '' && part !== '.') kept.push(part);
  }
  const slash = path.endsWith('/') && kept.length > 0 ? '/' : '';
  return `/${kept.join('/')}${slash}`;
}

/** S12: a name that could lead out of a client's trust directory is no GUN. @throws TrustProblem */
export function gunOf(text: string, problem: 'METADATA_NOT_FOUND' | 'INVALID_GUN'): Gun {
  try {
    return parseGun(text);
  } catch (cause) {
    if (cause instanceof MetadataError) throw new TrustProblem(problem, undefined, { cause });
    throw cause;
  }
}

/** What a file name of the API asks for: a role's current file, or the one of a hash or a version. */
export interface FileRequest {
  readonly role: RoleName;
  readonly sha256?: string;
  readonly version?: number;
}

const BY_VERSION = /^(\d+)\.([^.]+)\.json$/;
const BY_HASH = /^([^.]+)\.([0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})\.json$/i;
const BY_ROLE = /^([^.]+)\.json$/;

/** `targets/releases.json`, `3.root.json`, `snapshot.<hex>.json`; `undefined` for anything else. */
export function parseFileName(name: string): FileRequest | undefined {
  const byVersion = BY_VERSION.exec(name);
  if (byVersion !== null) return forRole(byVersion[2], { version: Number(byVersion[1]) });
  const byHash = BY_HASH.exec(name);
  if (byHash !== null) return forRole(byHash[1], { sha256: byHash[2]?.toLowerCase() ?? '' });
  return forRole(BY_ROLE.exec(name)?.[1], {});
}

function forRole(text: string | undefined, selector: Omit<FileRequest, 'role'>): FileRequest | undefined {
  if (text === undefined || !(isTopLevel(text) || text.startsWith('targets/'))) return undefined;
  try {
    return { role: parseRoleName(text), ...selector };
  } catch (error) {
    if (error instanceof MetadataError) return undefined;
    throw error;
  }
}
