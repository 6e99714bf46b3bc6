// SPDX-License-Identifier: Apache-2.0
import { RegistryError } from '../errors.ts';
import { decodeManifest } from '../manifest.ts';
import { MEDIA } from '../media-types.ts';
import { type Exchange, requireDigest } from './exchange.ts';
import { Problem } from './problems.ts';

const MAX_PAGE = 1000;

/** GET /v2/<name>/tags/list?n=…&last=… */
export async function listTags({ storage, repository, url }: Exchange): Promise<Response> {
  const all = await storage.tags(repository);
  if (all === undefined) throw new Problem('NAME_UNKNOWN', 'repository name not known to registry');
  const asked = url.searchParams.get('n');
  if (asked !== null && !/^[0-9]{1,9}$/.test(asked)) throw new Problem('PAGINATION_NUMBER_INVALID', 'n is no number');
  const last = url.searchParams.get('last') ?? '';
  const count = Math.min(asked === null ? MAX_PAGE : Number(asked), MAX_PAGE);
  const following = [...all].sort().filter((tag) => tag > last);
  const tags = following.slice(0, count);
  const end = tags.at(-1);
  const hasMore = following.length > tags.length && end !== undefined;
  const next = `/v2/${repository}/tags/list?n=${count}&last=${encodeURIComponent(end ?? '')}`;
  return Response.json({ name: repository, tags }, hasMore ? { headers: { link: `<${next}>; rel="next"` } } : {});
}

/** GET /v2/<name>/referrers/<digest>: the manifests that name this one as their subject. */
export async function listReferrers({ storage, repository, last, url }: Exchange): Promise<Response> {
  const subject = requireDigest(last);
  const wantedType = url.searchParams.get('artifactType');
  const manifests: object[] = [];
  for (const digest of await storage.manifests(repository)) {
    const stored = await storage.manifest(repository, digest);
    const manifest = stored === undefined ? undefined : decoded(stored.bytes, stored.mediaType);
    if (stored === undefined || manifest?.subject?.digest !== subject) continue;
    const artifactType = manifest.artifactType ?? (manifest.kind === 'image' ? manifest.config.mediaType : undefined);
    if (wantedType !== null && artifactType !== wantedType) continue;
    const annotations = manifest.annotations === undefined ? undefined : Object.fromEntries(manifest.annotations);
    manifests.push({ mediaType: stored.mediaType, digest, size: stored.bytes.length, artifactType, annotations });
  }
  const body = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests });
  const headers = {
    'content-type': MEDIA.ociIndex,
    ...(wantedType === null ? {} : { 'oci-filters-applied': 'artifactType' }),
  };
  return new Response(body, { headers });
}

function decoded(bytes: Uint8Array, mediaType: string): ReturnType<typeof decodeManifest> | undefined {
  try {
    return decodeManifest(bytes, mediaType);
  } catch (error) {
    if (error instanceof RegistryError) return undefined;
    throw error;
  }
}
