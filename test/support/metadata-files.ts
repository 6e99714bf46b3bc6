// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '../../src/encoding/index.ts';
import type { Actor } from '../../src/server/actor.ts';
import type { CommitContext, VerifiedFile } from '../../src/server/storage/metadata-storage.ts';
import { type RoleName, sha256Hex, type Version } from '../../src/tuf/index.ts';

export const now = new Date('2026-11-23T12:00:00Z');
export const later = new Date('2026-11-23T13:00:00Z');
const alice: Actor = { name: 'alice', address: '192.0.2.7', requestId: 'r-1' };
export const context: CommitContext = { now, actor: alice };

const EXPIRES = new Date('2026-12-07T12:00:00.250Z');

/** A file as verification.ts would hand it over; storage never looks into the bytes. */
export function fileOf(
  role: RoleName,
  version: number,
  content: string | Uint8Array = `${role} ${version}`,
  expires = EXPIRES,
): VerifiedFile {
  const bytes = typeof content === 'string' ? encodeUtf8(content) : content;
  return { role, version: version as Version, bytes, sha256: sha256Hex(bytes), expires } as VerifiedFile;
}

/** What comes back of a file that was committed. */
export function stored({ role, version, bytes, sha256 }: VerifiedFile) {
  return { role, version, bytes, sha256 };
}
