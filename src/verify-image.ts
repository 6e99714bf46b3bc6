// SPDX-License-Identifier: Apache-2.0
import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  DirectoryHighWaterMarks,
  DirectoryMetadataCache,
  type HttpFetch,
  HttpFetcher,
  resolveTag,
  type TrustedTag,
  type TrustPinning,
  Updater,
} from './client/index.ts';
import { gun, InvalidReferenceError, parseReference } from './registry/index.ts';
import { notaryV1, parseGun } from './tuf/index.ts';

export interface VerifyImageOptions {
  /** Trust server, such as `https://notary.example.com`. */
  readonly server: string;
  /** Where trust is kept between calls; Docker's own `~/.docker/trust` unless said otherwise. */
  readonly trustDirectory?: string;
  /** Trust on first use unless said otherwise. */
  readonly pinning?: TrustPinning;
  readonly fetch?: HttpFetch;
  readonly now?: Date;
}

/**
 * The digest that was signed for an image's tag, from trust data brought up to date.
 * @throws VerificationError it is not trusted; DownloadError trust data could not be had; TrustDirectoryError;
 * InvalidReferenceError
 */
export async function verifyImage(reference: string, options: VerifyImageOptions): Promise<TrustedTag> {
  const { server, fetch, pinning = { trustOnFirstUse: true }, now = new Date() } = options;
  const directory = options.trustDirectory ?? join(homedir(), '.docker', 'trust');
  const image = parseReference(reference);
  if (image.tag === undefined)
    throw new InvalidReferenceError('a tag is needed to look up what was signed for it', reference);
  const repository = await new Updater({
    gun: parseGun(gun(image)),
    dialect: notaryV1,
    fetcher: new HttpFetcher({ server, ...(fetch === undefined ? {} : { fetch }) }),
    cache: new DirectoryMetadataCache(directory),
    marks: new DirectoryHighWaterMarks(directory),
    pinning,
    now,
  }).refresh();
  return resolveTag(repository, image.tag);
}
