// SPDX-License-Identifier: Apache-2.0
import { type ImageReference, InvalidReferenceError, parseReference } from '../registry/index.ts';
import { type Gun, parseGun } from '../tuf/index.ts';
import { UsageError } from './usage-error.ts';

/**
 * The repository that a user names: an image name in Docker's grammar, `alpine` for `docker.io/library/alpine`, or any
 * other GUN of several components as it stands.
 * @throws UsageError, InvalidReferenceError, MetadataError
 */
export function parseRepository(text: string): ImageReference {
  let reference: ImageReference;
  try {
    reference = parseReference(text);
  } catch (error) {
    if (!(error instanceof InvalidReferenceError) || !text.includes('/')) throw error;
    return repositoryOf(parseGun(text));
  }
  if (!reference.tagDefaulted) throw new UsageError(`${text}: name the repository, without tag or digest`);
  return reference;
}

/** The repository of a GUN that is written out in full, such as in a file. */
export function repositoryOf(gun: Gun): ImageReference {
  const slash = gun.indexOf('/');
  if (slash === -1) throw new UsageError(`${gun} names no repository of a registry`);
  return { domain: gun.slice(0, slash), path: gun.slice(slash + 1), tagDefaulted: true };
}
