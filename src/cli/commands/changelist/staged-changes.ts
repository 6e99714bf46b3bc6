// SPDX-License-Identifier: Apache-2.0
import { type Changelist, DirectoryChangelist, type Draft, PublishError } from '../../../publisher/index.ts';
import type { CommandContext } from '../../context.ts';
import type { Session } from '../../session.ts';
import { trustDirectory } from '../../settings.ts';

/** What is staged for a repository in the user's trust directory. */
export function changelistOf({ io, globals }: CommandContext, { gun }: Session): Changelist {
  return new DirectoryChangelist(trustDirectory(io, globals), gun);
}

/** A name that is misspelt must not become a new repository. @throws PublishError `not-signed` */
export function refuseNew({ gun }: Session): () => Promise<Draft> {
  return () => {
    throw new PublishError('not-signed', `${gun} has no trust data: sign a first tag with hallmark sign`);
  };
}
