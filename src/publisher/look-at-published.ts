// SPDX-License-Identifier: Apache-2.0
import { DownloadError } from '../client/index.ts';
import type { PublisherOptions } from './publishing.ts';

/** Takes note of what was published; that it cannot be had just now does not undo it. */
export async function lookAtPublished(refresh: PublisherOptions['refresh']): Promise<void> {
  try {
    await refresh();
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
  }
}
