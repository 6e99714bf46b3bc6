// SPDX-License-Identifier: Apache-2.0
import { EngineError, registryAuthHeader } from '../../engine/index.ts';
import { type Descriptor, familiarText, gun as gunOf, RegistryError } from '../../registry/index.ts';
import { openEngine } from '../image-location.ts';
import { ProgressDisplay } from '../progress.ts';
import type { Opened, TrustContext } from './context.ts';
import { TrustCommandError } from './errors.ts';

/** What a signature is for: a manifest, or an index with all its platforms. */
export type Content = Pick<Descriptor, 'digest' | 'size'>;

/**
 * What the registry serves for the tag; `local` if an engine's image is to be pushed first, because the user wants it so
 * or the registry has none, and the engine has that image.
 * @throws TrustCommandError, RegistryError
 */
export async function contentToSign(
  { io }: TrustContext,
  { reference, session }: Opened,
  text: string,
  local: boolean,
): Promise<Content | 'local'> {
  if (!local) {
    try {
      // the manifest's own bytes are what is signed: no header's word counts for its digest
      return (await session.registry().getManifest(reference.path, reference.tag as string)).descriptor;
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code !== 'not-found') throw error;
    }
  }
  try {
    await (await openEngine(io)).inspectImage(familiarText(reference));
    return 'local';
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const isAnswer = error.code === 'not-found' || error.code === 'refused';
    const hint = local ? undefined : `the registry has no ${text} either: push it first`;
    throw new TrustCommandError(isAnswer ? `Error response from daemon: ${error.message}` : error.message, {
      hint,
      cause: error,
    });
  }
}

/**
 * Pushes the engine's image and reads back what the registry then serves by that digest: the engine's word alone is not
 * signed, and neither is what the tag may mean by now.
 * @throws EngineError, RegistryError
 */
export async function pushLocalImage({ io }: TrustContext, { reference, session }: Opened): Promise<Content> {
  const engine = await openEngine(io);
  const registryAuth = registryAuthHeader(await session.credentials(), reference.domain);
  const onProgress = new ProgressDisplay(io.stdout).show;
  const { pushed, insteadOfIndex } = await engine.push(reference, reference.tag, { registryAuth, onProgress });
  if (insteadOfIndex !== undefined) {
    io.stderr.write(
      `Warning: the engine pushed one platform, ${insteadOfIndex.manifest}, in place of the index ${insteadOfIndex.index}\n`,
    );
  }
  const digest = pushed.find(({ tag }) => tag === reference.tag)?.digest;
  if (digest === undefined) {
    throw new TrustCommandError(`failed to sign ${gunOf(reference)}:${reference.tag}: the engine named no digest`, {
      hint: 'it is pushed: sign it without --local',
    });
  }
  return (await session.registry().getManifest(reference.path, digest)).descriptor;
}
