// SPDX-License-Identifier: Apache-2.0
import { type Digest, isDigest } from './digest.ts';
import { InvalidReferenceError } from './errors.ts';

/** An image reference after Docker's normalisation: `alpine` is `docker.io/library/alpine:latest`. */
export interface ImageReference {
  /** Registry as it stands in names, with its port: `docker.io`, `localhost:5000`. */
  readonly domain: string;
  /** Repository in that registry: `library/alpine`. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
  /** The text named neither tag nor digest, so `tag` is Docker's default. */
  readonly tagDefaulted: boolean;
}

const DEFAULT_DOMAIN = 'docker.io';
const LEGACY_DEFAULT_DOMAIN = 'index.docker.io';
const HUB_REGISTRY_HOST = 'registry-1.docker.io';
const OFFICIAL = 'library/';
const DEFAULT_TAG = 'latest';
const INVALID = 'invalid reference format';
/** Docker's limit on a repository name; the rest of a reference is a domain, a tag and a digest. */
const MAX_NAME = 255;
const MAX_TEXT = 4096;

// Each of them is matched against one component between separators, and is linear in its length (S31).
const DOMAIN_LABEL = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?$/;
const IPV6 = /^\[[a-fA-F0-9:]+\]$/;
const PORT = /^[0-9]+$/;
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}$/;
const IMAGE_ID = /^[a-f0-9]{64}$/;
const DIGEST_SHAPE = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

/**
 * Reads what a user typed, by the grammar of Docker's references and its rules for short names.
 * @throws InvalidReferenceError with Docker's own message
 */
export function parseReference(text: string): ImageReference {
  if (text.length > MAX_TEXT) throw new InvalidReferenceError(INVALID, text.slice(0, 80));
  if (IMAGE_ID.test(text)) {
    throw new InvalidReferenceError(
      `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`,
      text,
    );
  }
  const { domain, remainder } = splitDomain(text);
  requireLowerCase(remainder, text);
  const { path, tag, digest } = splitRemainder(remainder);
  if (!isDomain(domain) || !hasPathGrammar(path)) throw new InvalidReferenceError(INVALID, text);
  if (tag !== undefined && !TAG.test(tag)) throw new InvalidReferenceError(INVALID, text);
  if (path.length > MAX_NAME) {
    throw new InvalidReferenceError(`repository name must not be more than ${MAX_NAME} characters`, text);
  }
  const tagDefaulted = tag === undefined && digest === undefined;
  return {
    domain,
    path,
    ...(tagDefaulted ? { tag: DEFAULT_TAG } : tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest: requireDigest(digest, text) }),
    tagDefaulted,
  };
}

/** `docker.io/library/alpine`: the name under which trust data are kept. */
export function gun(reference: ImageReference): string {
  return `${reference.domain}/${reference.path}`;
}

/** The name as Docker shows it, without tag and digest: `alpine`, `user/app`, `localhost:5000/x`. */
export function familiarName(reference: ImageReference): string {
  if (reference.domain !== DEFAULT_DOMAIN) return gun(reference);
  const { path } = reference;
  const isOfficial = path.startsWith(OFFICIAL) && path.indexOf('/', OFFICIAL.length) === -1;
  return isOfficial ? path.slice(OFFICIAL.length) : path;
}

/** {@link familiarName} with tag and digest. */
export function familiarText(reference: ImageReference): string {
  return familiarName(reference) + suffix(reference);
}

/** The whole reference in its one normal form: `docker.io/library/alpine:latest`. */
export function referenceText(reference: ImageReference): string {
  return gun(reference) + suffix(reference);
}

/** Host (and port) that serves the registry API for this reference. */
export function registryHost(reference: Pick<ImageReference, 'domain'>): string {
  return reference.domain === DEFAULT_DOMAIN ? HUB_REGISTRY_HOST : reference.domain;
}

/** The same repository under another tag or digest. */
export function withTag(reference: ImageReference, tag: string): ImageReference {
  if (!isTag(tag)) throw new InvalidReferenceError('invalid tag format', tag);
  return { domain: reference.domain, path: reference.path, tag, tagDefaulted: false };
}

export function withDigest(reference: ImageReference, digest: Digest): ImageReference {
  return { domain: reference.domain, path: reference.path, digest, tagDefaulted: false };
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** Whether a text names a repository inside a registry; every such name is also a safe relative path (S12). */
export function isRepositoryPath(text: string): boolean {
  return text.length <= MAX_NAME && hasPathGrammar(text);
}

function suffix({ tag, digest }: ImageReference): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** A first component is a registry only if it cannot be a user name of Docker Hub: it has a dot, a colon, capitals, or is localhost. */
function splitDomain(text: string): { domain: string; remainder: string } {
  const slash = text.indexOf('/');
  const first = slash === -1 ? '' : text.slice(0, slash);
  const isDomainLike = /[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first;
  const domain = slash === -1 || !isDomainLike ? DEFAULT_DOMAIN : first;
  const remainder = slash === -1 || !isDomainLike ? text : text.slice(slash + 1);
  if (domain !== DEFAULT_DOMAIN && domain !== LEGACY_DEFAULT_DOMAIN) return { domain, remainder };
  return { domain: DEFAULT_DOMAIN, remainder: remainder.includes('/') ? remainder : OFFICIAL + remainder };
}

function requireLowerCase(remainder: string, text: string): void {
  const colon = remainder.indexOf(':');
  const name = colon === -1 ? remainder : remainder.slice(0, colon);
  if (name.toLowerCase() === name) return;
  throw new InvalidReferenceError(`${INVALID}: repository name (${name}) must be lowercase`, text);
}

function splitRemainder(remainder: string): { path: string; tag: string | undefined; digest: string | undefined } {
  const at = remainder.indexOf('@');
  const digest = at === -1 ? undefined : remainder.slice(at + 1);
  const named = at === -1 ? remainder : remainder.slice(0, at);
  const colon = named.indexOf(':');
  if (colon === -1) return { path: named, tag: undefined, digest };
  return { path: named.slice(0, colon), tag: named.slice(colon + 1), digest };
}

function isDomain(text: string): boolean {
  const colon = text.startsWith('[') ? text.indexOf(':', text.indexOf(']')) : text.indexOf(':');
  const host = colon === -1 ? text : text.slice(0, colon);
  if (colon !== -1 && !PORT.test(text.slice(colon + 1))) return false;
  return IPV6.test(host) || host.split('.').every((label) => DOMAIN_LABEL.test(label));
}

function hasPathGrammar(path: string): boolean {
  return path.split('/').every((component) => PATH_COMPONENT.test(component));
}

function requireDigest(text: string, reference: string): Digest {
  if (isDigest(text)) return text;
  if (!DIGEST_SHAPE.test(text)) throw new InvalidReferenceError(INVALID, reference);
  const algorithm = text.slice(0, text.indexOf(':'));
  const length = { sha256: 64, sha512: 128 }[algorithm];
  if (length === undefined) throw new InvalidReferenceError('unsupported digest algorithm', reference);
  const isLong = text.length === algorithm.length + 1 + length;
  throw new InvalidReferenceError(`invalid checksum digest ${isLong ? 'format' : 'length'}`, reference);
}
