// SPDX-License-Identifier: Apache-2.0
import {
  type Gun,
  notaryV1,
  ROOT,
  type RoleName,
  type Root,
  SNAPSHOT,
  TARGETS,
  TIMESTAMP,
  type Version,
} from '../../tuf/index.ts';
import type { Actor } from '../actor.ts';
import { MAX_VERSION } from '../limits.ts';
import { heldKeys, type OnlineRole } from '../online-keys.ts';
import type { StoredFile } from '../storage/index.ts';
import { type CopiedCollection, verifyCopy } from '../verification.ts';
import { ImportError } from './errors.ts';
import type { ImportTarget } from './target.ts';

/** What came of a copy, and what it means for those who use the repository. */
export interface Imported {
  readonly gun: Gun;
  /** Files that were stored; none where the server had all of them. */
  readonly stored: readonly { readonly role: RoleName; readonly version: Version }[];
  /** From then on clients refuse the repository, unless its timestamp is signed anew. */
  readonly timestampExpires: Date;
  /** Of timestamp and snapshot: those whose key this server lacks. A publisher may hold that of the snapshot. */
  readonly keysMissing: readonly OnlineRole[];
  readonly rootVersion: Version;
}

/** Whoever runs the command; there is no request. */
const OPERATOR: Actor = { name: 'import' };

/**
 * Stores a copy of a repository: all that is new of it, in one transaction, or nothing. The server's own versions never go
 * back; what was signed stays byte for byte.
 * @throws VerificationError, ImportError, ConflictError
 */
export async function importCollection(copy: CopiedCollection, target: ImportTarget): Promise<Imported> {
  const { gun } = copy;
  const { storage, prefixes, clock } = target;
  if (prefixes.length > 0 && !prefixes.some((prefix) => gun.startsWith(prefix)))
    throw new ImportError(`this server is not for ${gun}: its repositories begin with ${prefixes.join(', ')}`);
  const before = new Map<RoleName, StoredFile>();
  // the timestamp first: whatever is published later moves it, and makes the commit fail
  for (const role of new Set([TIMESTAMP, ROOT, TARGETS, SNAPSHOT, ...copy.files.keys()])) {
    const file = await storage.latest(gun, role);
    if (file !== undefined) before.set(role, file);
  }
  const files = verifyCopy(copy, before);
  const tooHigh = files.find(({ version }) => version > MAX_VERSION);
  if (tooHigh !== undefined)
    throw new ImportError(`${gun}: ${tooHigh.role} ${tooHigh.version} is beyond what a server can store`);
  const missing = await keysMissing(copy, target);
  if (files.length > 0) {
    const context = { now: clock(), actor: OPERATOR, action: 'import' } as const;
    await storage.commit(gun, before.get(TIMESTAMP), files, context);
  }
  return {
    gun,
    stored: files.map(({ role, version }) => ({ role, version })),
    timestampExpires: notaryV1.decode('timestamp', copy.files.get(TIMESTAMP) ?? new Uint8Array()).signed.expires,
    keysMissing: missing,
    rootVersion: currentRoot(copy).version,
  };
}

function currentRoot({ roots }: CopiedCollection): Root {
  return notaryV1.decode('root', roots.at(-1)?.file ?? new Uint8Array()).signed;
}

async function keysMissing(copy: CopiedCollection, { keys }: ImportTarget): Promise<readonly OnlineRole[]> {
  const root = currentRoot(copy);
  const missing: OnlineRole[] = [];
  for (const role of [TIMESTAMP, SNAPSHOT] as const) {
    if ((await heldKeys(keys, copy.gun, role, root)).size === 0) missing.push(role);
  }
  return missing;
}
