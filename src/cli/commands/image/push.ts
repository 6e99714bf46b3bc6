// SPDX-License-Identifier: Apache-2.0
import { registryAuthHeader } from '../../../engine/index.ts';
import {
  type Descriptor,
  type Digest,
  DockerArchiveSource,
  gun,
  type ImageReference,
  OciLayoutSource,
  parsePlatform,
  parseReference,
  pushImage,
} from '../../../registry/index.ts';
import type { CommandContext } from '../../context.ts';
import { type ImageLocation, openEngine, parseImageLocation } from '../../image-location.ts';
import { jsonText } from '../../json-text.ts';
import { ProgressDisplay } from '../../progress.ts';
import type { Session } from '../../session.ts';
import { isTrustEnabled, trustServer } from '../../settings.ts';
import { UsageError } from '../../usage-error.ts';
import { signTag } from './sign.ts';

export interface PushOptions {
  readonly from: string;
  readonly platform?: string;
  readonly quiet?: boolean;
  readonly disableContentTrust?: boolean;
  /** Where to write the signed change instead of publishing it; the image is pushed all the same. */
  readonly stage?: string;
}

/** `hallmark push REF`: pushes, reads back what the registry then serves by that digest, and signs it. */
export async function push(context: CommandContext, text: string, options: PushOptions): Promise<void> {
  const { io, globals } = context;
  const reference = parseReference(text);
  if (reference.tag === undefined || reference.digest !== undefined)
    throw new UsageError('cannot push a digest reference');
  const from = parseImageLocation(options.from, '--from');
  const signed = isTrustEnabled(io, options);
  // a setting that is wrong is told before anything is pushed
  if (signed) trustServer(io, globals, reference);
  if (reference.tagDefaulted) io.stderr.write('Using default tag: latest\n');
  const session = context.open(reference);
  if (signed) session.prepareSigning();
  io.stderr.write(`The push refers to repository [${gun(reference)}]\n`);
  const pushed = await pushFrom(context, session, reference, from, options);
  io.stderr.write(`${reference.tag}: digest: ${pushed.digest} size: ${pushed.size}\n`);
  if (signed) return signTag(context, session, reference, reference.tag, pushed, stageOf(options));
  io.stderr.write('Warning: content trust is off: the tag is not signed\n');
  if (globals.json)
    io.stdout.write(jsonText({ reference: text, digest: pushed.digest, size: pushed.size, signed: false }));
}

function stageOf({ stage }: PushOptions): { readonly stage?: string } {
  return stage === undefined ? {} : { stage };
}

type Pushed = Pick<Descriptor, 'digest' | 'size'>;

async function pushFrom(
  { io }: CommandContext,
  session: Session,
  reference: ImageReference,
  from: ImageLocation,
  options: PushOptions,
): Promise<Pushed> {
  const onProgress = options.quiet ? () => undefined : new ProgressDisplay(io.stderr).show;
  const platform = options.platform === undefined ? {} : { platform: parsePlatform(options.platform) };
  switch (from.kind) {
    case 'engine':
      return pushFromEngine({ io }, session, reference, options, onProgress);
    case 'oci':
      return pushImage(await layoutImage(from.path, reference), session.registry(), reference, {
        onProgress,
        ...platform,
      });
    case 'docker-archive': {
      await using source = await DockerArchiveSource.open(from.path);
      return await pushImage(source, session.registry(), reference, { onProgress, ...platform });
    }
    default:
      return from satisfies never;
  }
}

/** The image of that tag, or the only one that the layout holds. */
async function layoutImage(path: string, { tag }: ImageReference): Promise<OciLayoutSource> {
  const only = new OciLayoutSource(path);
  try {
    await only.root();
    return only;
  } catch {
    return new OciLayoutSource(path, tag);
  }
}

/**
 * The engine says which digest it stored, and the registry must serve that very content: the engine's word alone is not
 * signed, and neither is what the tag may mean by now.
 */
async function pushFromEngine(
  { io }: Pick<CommandContext, 'io'>,
  session: Session,
  reference: ImageReference,
  options: PushOptions,
  onProgress: ProgressDisplay['show'],
): Promise<Pushed> {
  const engine = await openEngine(io);
  const registryAuth = registryAuthHeader(await session.credentials(), reference.domain);
  const { pushed, insteadOfIndex } = await engine.push(reference, reference.tag, {
    registryAuth,
    onProgress: (progress) => (isTold(progress.status) ? undefined : onProgress(progress)),
    ...(options.platform === undefined ? {} : { platform: options.platform }),
  });
  if (insteadOfIndex !== undefined) {
    io.stderr.write(
      `Warning: the engine pushed one platform, ${insteadOfIndex.manifest}, in place of the index ${insteadOfIndex.index}\n`,
    );
  }
  const digest: Digest | undefined = pushed.find(({ tag }) => tag === reference.tag)?.digest;
  if (digest === undefined)
    throw new UsageError(
      `the engine did not say what it pushed: sign it with hallmark sign ${gun(reference)}:${reference.tag}`,
    );
  const { descriptor } = await session.registry().getManifest(reference.path, digest);
  return descriptor;
}

/** First and last words of an engine about a push, which are ours already. */
function isTold(status: string): boolean {
  return (
    status.startsWith('The push refers to repository ') || /^\S+: digest: sha\d+:[0-9a-f]+ size: \d+$/.test(status)
  );
}
