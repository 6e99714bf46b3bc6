// SPDX-License-Identifier: Apache-2.0
import { canonicalDomain } from '../policy/index.ts';
import { type Digest, type ImageReference, isDigest, isRepositoryPath, isTag } from '../registry/index.ts';
import { GatewayRefusal } from './refusals.ts';

/** Which registries a gateway stands for, and how a request says which of them it means. */
export interface NameMapping {
  /** Registries as they stand in image names: an allow-list, since whoever asks could name any host (S34). */
  readonly upstreams: ReadonlySet<string>;
  /** Names of the gateway, in small letters, that stand for one registry each. */
  readonly hosts: ReadonlyMap<string, string>;
  /** What is meant where nothing says it. */
  readonly fallback: string | undefined;
}

/** What a request asks for. */
export type GatewayRequest =
  | { readonly kind: 'ping' }
  | { readonly kind: 'catalog' }
  | {
      readonly kind: 'manifest';
      readonly image: ImageName;
      readonly reference: { readonly tag: string } | { readonly digest: Digest };
    }
  | { readonly kind: 'blob'; readonly image: ImageName; readonly digest: Digest }
  | { readonly kind: 'referrers'; readonly image: ImageName; readonly digest: Digest }
  | { readonly kind: 'tags'; readonly image: ImageName }
  | { readonly kind: 'trust'; readonly image: ImageName; readonly fileName: string };

/** Registry and repository of an image. */
export interface ImageName {
  readonly domain: string;
  readonly path: string;
}

const MAX_PATH = 1024;
const TRUST_FILE = /^(?:[0-9]{1,10}\.)?[a-z0-9_-]+(?:[./][a-z0-9_-]+)*\.json$/;

/**
 * Reads a request of the registry API or of the trust API. The registry is named by `ns`, else by the host asked, else by the
 * first part of the name, else it is the fallback.
 * @throws GatewayRefusal
 */
export function readRequest(url: URL, host: string | undefined, mapping: NameMapping): GatewayRequest {
  const path = decodedPath(url);
  if (path === '/v2' || path === '/v2/') return { kind: 'ping' };
  if (path === '/v2/_catalog') return { kind: 'catalog' };
  if (!path.startsWith('/v2/')) throw new GatewayRefusal('not-found', 'no such place in the registry API');
  const named = (name: string) => imageName(name, namespaceOf(url), host, mapping);
  const parts = path.slice('/v2/'.length).split('/');
  const trust = parts.lastIndexOf('_trust');
  if (trust > 0) return trustRequest(named(parts.slice(0, trust).join('/')), parts.slice(trust + 1));
  const [verb, last = ''] = parts.slice(-2);
  const name = parts.slice(0, -2).join('/');
  switch (verb) {
    case 'manifests':
      if (isDigest(last)) return { kind: 'manifest', image: named(name), reference: { digest: last } };
      if (isTag(last)) return { kind: 'manifest', image: named(name), reference: { tag: last } };
      throw new GatewayRefusal('bad-name', 'neither a tag nor a digest');
    case 'blobs':
    case 'referrers':
      if (!isDigest(last)) throw new GatewayRefusal('bad-name', 'not a digest');
      return { kind: verb === 'blobs' ? 'blob' : 'referrers', image: named(name), digest: last };
    case 'tags':
      if (last === 'list') return { kind: 'tags', image: named(name) };
  }
  throw new GatewayRefusal('not-found', 'no such place in the registry API');
}

/** The image of a name, by tag or digest or as a whole. */
export function imageReference(image: ImageName, tag?: string, digest?: Digest): ImageReference {
  return {
    domain: image.domain,
    path: image.path,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
    tagDefaulted: false,
  };
}

function decodedPath(url: URL): string {
  if (url.pathname.length > MAX_PATH) throw new GatewayRefusal('bad-name', 'path is too long');
  try {
    return decodeURIComponent(url.pathname);
  } catch {
    throw new GatewayRefusal('bad-name', 'path is not well-formed');
  }
}

/** Two of them would be read one way here and another elsewhere. */
function namespaceOf(url: URL): string | undefined {
  const given = url.searchParams.getAll('ns');
  if (given.length > 1) throw new GatewayRefusal('bad-name', 'ns is given twice');
  return given[0];
}

function imageName(
  name: string,
  namespace: string | undefined,
  host: string | undefined,
  mapping: NameMapping,
): ImageName {
  const { domain, path } = mapped(name, namespace, host, mapping);
  if (!isRepositoryPath(path)) throw new GatewayRefusal('bad-name', 'no repository name');
  const official = domain === 'docker.io' && !path.includes('/');
  return { domain, path: official ? `library/${path}` : path };
}

function mapped(
  name: string,
  namespace: string | undefined,
  host: string | undefined,
  mapping: NameMapping,
): ImageName {
  const { upstreams, hosts, fallback } = mapping;
  if (namespace !== undefined) return { domain: allowed(namespace, upstreams), path: name };
  const virtual = host === undefined ? undefined : registryOfHost(host, hosts);
  if (virtual !== undefined) return { domain: virtual, path: name };
  const slash = name.indexOf('/');
  const first = registryOfPart(slash === -1 ? '' : name.slice(0, slash));
  if (upstreams.has(first)) return { domain: first, path: name.slice(slash + 1) };
  if (/[.:]/.test(first) || fallback === undefined)
    return { domain: allowed(first, upstreams), path: name.slice(slash + 1) };
  return { domain: fallback, path: name };
}

/** A host's name knows no case, and may end in a dot. */
function registryOfHost(host: string, hosts: NameMapping['hosts']): string | undefined {
  const plain = host.toLowerCase().replace(/\.(?=:|$)/, '');
  return hosts.get(plain) ?? hosts.get(plain.replace(/:[0-9]+$/, ''));
}

/** A path holds no colon, so `localhost_5000/app` is how an engine without namespaces asks for `localhost:5000/app`. */
function registryOfPart(part: string): string {
  return canonicalDomain(part.replace(/_(?=[0-9]+$)/, ':'));
}

function allowed(domain: string, upstreams: ReadonlySet<string>): string {
  const canonical = canonicalDomain(domain);
  if (upstreams.has(canonical)) return canonical;
  throw new GatewayRefusal('denied', `this gateway does not stand for ${JSON.stringify(domain.slice(0, 80))}`);
}

function trustRequest(image: ImageName, [tuf, ...rest]: readonly string[]): GatewayRequest {
  const fileName = rest.join('/');
  if (tuf === 'tuf' && TRUST_FILE.test(fileName)) return { kind: 'trust', image, fileName };
  throw new GatewayRefusal('not-found', 'no such place in the trust API');
}
