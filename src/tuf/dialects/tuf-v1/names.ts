// SPDX-License-Identifier: Apache-2.0
import { quoteText } from '../../../encoding/index.ts';
import type { MetaFile } from '../../metadata.ts';
import { MetadataError } from '../../metadata-error.ts';
import { isTopLevel, type RoleName } from '../../names.ts';

/** A file name may have 255 bytes: room is left for `.json` and a version. */
const MAX_ENCODED = 220;
/** What `encodeURIComponent` leaves alone, though other implementations do not. */
const LEFT_ALONE = /[!'()*]/g;

/**
 * The name of a delegated role: any text, so it becomes a file name by percent-encoding alone (S13: `/`, `\` and `..` stay
 * inside the directory). A delegated role that is called as a top-level one would take the place of its file.
 * @throws MetadataError `malformed`
 */
export function parseDelegatedName(text: string): RoleName {
  if (text === '' || !text.isWellFormed() || isTopLevel(text) || encodeName(text).length > MAX_ENCODED) {
    throw new MetadataError('malformed', `invalid name of a delegated role ${quoteText(text)}`);
  }
  return text as RoleName;
}

/** Percent-encoding of everything but letters, digits and `-_.~`. */
export function encodeName(text: string): string {
  const hex = (char: string) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(LEFT_ALONE, hex);
}

/** `7.snapshot.json` where a version is pinned, else `snapshot.json`. */
export function fileName(role: RoleName, pinned?: MetaFile): string {
  const version = pinned?.version === undefined ? '' : `${pinned.version}.`;
  return `${version}${encodeName(role)}.json`;
}
