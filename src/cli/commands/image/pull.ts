// SPDX-License-Identifier: Apache-2.0
import { listTags, resolveTag, type TrustedTag } from '../../../client/index.ts';
import { quoteText } from '../../../encoding/index.ts';
import { registryAuthHeader } from '../../../engine/index.ts';
import {
  type Digest,
  DockerArchiveSink,
  familiarName,
  familiarText,
  type ImageReference,
  isTag,
  OciLayoutSink,
  parseDigest,
  parsePlatform,
  parseReference,
  pullImage,
  withDigest,
  withTag,
} from '../../../registry/index.ts';
import { TARGETS, VerificationError } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { openEngine, parseImageLocation } from '../../image-location.ts';
import type { Io } from '../../io.ts';
import { jsonText } from '../../json-text.ts';
import { policyPath } from '../../policy-place.ts';
import { ProgressDisplay } from '../../progress.ts';
import { isTrustEnabled } from '../../settings.ts';
import type { TrustView } from '../../trust-view.ts';
import { UsageError } from '../../usage-error.ts';

export interface PullOptions {
  readonly allTags?: boolean;
  readonly platform?: string;
  readonly output: string;
  readonly quiet?: boolean;
  readonly disableContentTrust?: boolean;
}

interface Wanted {
  readonly tag: string | undefined;
  readonly digest: Digest;
  readonly size?: number;
}

/**
 * `hallmark pull REF`: resolves tags by their signatures and pulls by digest alone (property 5); a digest is pulled as it
 * is, without a lookup, as Docker does.
 */
export async function pull(context: CommandContext, text: string, options: PullOptions): Promise<void> {
  const reference = parseReference(text);
  const { io, globals } = context;
  if (options.allTags && !reference.tagDefaulted) throw new UsageError("tag can't be used with --all-tags/-a");
  const platform = options.platform === undefined ? undefined : parsePlatform(options.platform);
  const session = context.view(reference);
  const store = await storeFor(context, session, options);
  if (options.allTags && parseImageLocation(options.output, '--output').kind === 'docker-archive')
    throw new UsageError('--all-tags: a docker-archive holds one image: give --output oci:DIR');
  const isJudged = policyPath(io, globals) !== undefined;
  const isOff = !isTrustEnabled(io, options);
  if (isJudged && (isOff || options.allTags))
    throw new UsageError(
      `${isOff ? 'content trust cannot be turned off' : '--all-tags cannot be used'} where a policy decides`,
    );
  if (reference.digest === undefined && isOff) return pullUnverified(context, session, reference, store, options);
  const wanted = isJudged
    ? await wantedByPolicy(context, reference)
    : await resolveWanted(io, session, reference, options);
  if (wanted === undefined) return pullUnverified(context, session, reference, store, options);
  if (reference.tagDefaulted && !options.allTags) io.stderr.write('Using default tag: latest\n');
  const name = familiarName(reference);
  const pulled: { reference: string; tag: string | null; digest: Digest }[] = [];
  for (const [index, item] of wanted.entries()) {
    const exact = item.tag === undefined ? `${name}@${item.digest}` : `${name}:${item.tag}@${item.digest}`;
    if (item.tag !== undefined && !globals.json) io.stdout.write(`Pull (${index + 1} of ${wanted.length}): ${exact}\n`);
    // a digest that was asked for by itself is not given the tag beside it: nobody said that the tag means it
    await store(
      item.tag === undefined ? withDigest(reference, item.digest) : withTag(reference, item.tag),
      item,
      platform,
    );
    pulled.push({ reference: exact, tag: item.tag ?? null, digest: item.digest });
  }
  if (globals.json) io.stdout.write(jsonText(pulled));
  else io.stdout.write(`${options.allTags ? name : familiarText(reference)}\n`);
}

/** What a policy lets through; undefined for a tag that it lets through unverified, and has told so. */
async function wantedByPolicy(
  context: CommandContext,
  reference: ImageReference,
): Promise<readonly Wanted[] | undefined> {
  const { decideByPolicy } = await import('../policy/verify.ts');
  const { digest, size } = await decideByPolicy(context, reference);
  if (digest === undefined) return undefined;
  const tag = reference.digest === undefined ? reference.tag : undefined;
  return [{ tag, digest, ...(size === undefined ? {} : { size }) }];
}

async function resolveWanted(
  io: Io,
  session: TrustView,
  { tag, digest }: ImageReference,
  options: PullOptions,
): Promise<readonly Wanted[]> {
  if (digest !== undefined) return [{ tag: undefined, digest }];
  const repository = await session.refresh();
  const found = options.allTags ? pullable(listTags(repository), io) : [resolveTag(repository, tag as string)];
  if (found.length === 0) throw new VerificationError('unsigned', TARGETS, `No trusted tags for ${session.gun}`);
  return found.map((trusted) => ({ tag: trusted.tag, digest: parseDigest(trusted.digest), size: trusted.size }));
}

/** Trust data may hold any name; what no registry and no engine takes for a tag is passed over, and told. */
function pullable(found: readonly TrustedTag[], { stderr }: Io): readonly TrustedTag[] {
  for (const { tag } of found.filter(({ tag }) => !isTag(tag)))
    stderr.write(`Warning: ${quoteText(tag)} is signed, and is no tag: it is not pulled\n`);
  return found.filter(({ tag }) => isTag(tag));
}

/** Brings one image, by digest, to where the user wants it. */
type Store = (
  reference: ImageReference,
  wanted: Wanted,
  platform: ReturnType<typeof parsePlatform> | undefined,
) => Promise<void>;

async function storeFor({ io }: CommandContext, session: TrustView, options: PullOptions): Promise<Store> {
  const output = parseImageLocation(options.output, '--output');
  const onProgress = options.quiet ? () => undefined : new ProgressDisplay(io.stderr).show;
  if (output.kind === 'engine') return intoEngine({ io }, session, options, onProgress);
  const { path } = output;
  return async (reference, { digest, size }, platform) => {
    const sink = output.kind === 'oci' ? new OciLayoutSink(path) : new DockerArchiveSink(path);
    const settings = {
      onProgress,
      ...(platform === undefined ? {} : { platform }),
      ...(size === undefined ? {} : { size }),
    };
    await pullImage(session.registry(), reference, digest, sink, settings);
  };
}

/** The engine is handed digests only; the tag is put on afterwards, as Docker does. */
async function intoEngine(
  { io }: Pick<CommandContext, 'io'>,
  session: TrustView,
  options: PullOptions,
  onProgress: ProgressDisplay['show'],
): Promise<Store> {
  const engine = await openEngine(io);
  await engine.version();
  return async (reference, { tag, digest }) => {
    const registryAuth = registryAuthHeader(await session.credentials(), reference.domain);
    await engine.pull(reference, digest, {
      registryAuth,
      onProgress,
      ...(options.platform === undefined ? {} : { platform: options.platform }),
    });
    if (tag === undefined) return;
    const source = `${familiarName(reference)}@${digest}`;
    io.stderr.write(`Tagging ${source} as ${familiarName(reference)}:${tag}\n`);
    await engine.tag(source, reference, tag);
  };
}

async function pullUnverified(
  context: CommandContext,
  session: TrustView,
  reference: ImageReference,
  store: Store,
  options: PullOptions,
): Promise<void> {
  const { io } = context;
  const tag = reference.tag as string;
  if (options.allTags)
    throw new UsageError('--all-tags pulls signed tags: it cannot be used with --disable-content-trust');
  io.stderr.write(`Warning: ${familiarText(reference)} is pulled by tag, unverified\n`);
  const { descriptor } = await session.registry().getManifest(reference.path, tag);
  await store(
    reference,
    { tag, digest: descriptor.digest, size: descriptor.size },
    options.platform === undefined ? undefined : parsePlatform(options.platform),
  );
  io.stdout.write(`${familiarText(reference)}\n`);
}
