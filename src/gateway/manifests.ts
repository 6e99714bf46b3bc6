// SPDX-License-Identifier: Apache-2.0
import type { PolicyEngine, Refusal } from '../policy/index.ts';
import {
  type Digest,
  decodeManifest,
  isIndexType,
  isManifestType,
  MAX_MANIFEST_BYTES,
  referencedBy,
} from '../registry/index.ts';
import { BoundedMap } from '../tuf/index.ts';
import { AdmittedDigests, type Rebuilt } from './admitted.ts';
import type { ClosureStore, KnownManifest } from './closure.ts';
import { type ImageName, imageReference } from './names.ts';
import { byPolicy, GatewayRefusal, refusalOf } from './refusals.ts';
import type { Upstreams } from './upstreams.ts';

export interface ServedManifest extends KnownManifest {
  readonly overruled: Refusal | undefined;
}

/** Manifests in memory, most of them a few KiB. */
const MAX_HELD_BYTES = 32 * 1024 * 1024;
/** One walk of a repository that lost its closure fetches so many manifests, several at a time. */
const MAX_REBUILT = 5000;
const AT_ONCE = 8;
const MAX_KNOWN_TAGS = 100_000;
/** Tags by which registries without the referrers API keep referrers; a manifest under one would be a way around the policy. */
const REFERRERS_TAG = /^sha(?:256|512)-/;

/**
 * Manifests by tag and digest. What a tag means is what is signed for it; the registry's tag is asked only where the policy
 * lets the image through unverified. Every manifest is fetched by digest and checked against digest, length and form.
 */
export class Manifests {
  readonly admitted: AdmittedDigests;
  readonly #engine: PolicyEngine;
  readonly #closure: ClosureStore;
  readonly #upstreams: Upstreams;
  readonly #held = new BoundedMap<string, KnownManifest>(MAX_HELD_BYTES);
  readonly #knownTags = new BoundedMap<string, true>(MAX_KNOWN_TAGS);
  readonly #fetching = new Map<string, Promise<KnownManifest>>();

  constructor(
    engine: PolicyEngine,
    closure: ClosureStore,
    upstreams: Upstreams,
    clocks: { readonly elapsed: () => number; readonly clock: () => Date },
  ) {
    this.#engine = engine;
    this.#closure = closure;
    this.#upstreams = upstreams;
    this.admitted = new AdmittedDigests(engine, closure, (image, roots) => this.#rebuild(image, roots), clocks);
  }

  /** @throws GatewayRefusal, RegistryError */
  async byTag(image: ImageName, tag: string): Promise<ServedManifest> {
    if (REFERRERS_TAG.test(tag)) throw new GatewayRefusal('unknown-manifest', 'no referrers are kept under tags');
    const decision = await this.#engine.decide(imageReference(image, tag));
    if (decision.outcome !== 'allow') throw byPolicy(decision, decision);
    if (decision.digest === undefined) return this.#unverified(image, tag, decision.overruled);
    const found = await this.#manifest(image, decision.digest, decision.size);
    this.admitted.remember(image, decision.digest, decision);
    await this.#tagged(image, decision.digest, tag);
    return { ...found, overruled: decision.overruled };
  }

  /** @throws GatewayRefusal, RegistryError */
  async byDigest(image: ImageName, digest: Digest): Promise<ServedManifest> {
    const { overruled } = await this.admitted.require(image, digest);
    return { ...(await this.#manifest(image, digest)), overruled };
  }

  /** Tags that are signed, in order of their bytes; all of the registry's where the policy lets any through. */
  async tags(image: ImageName): Promise<readonly string[]> {
    const reference = imageReference(image);
    const signed = await this.#engine.signedDigests(reference);
    if (signed === undefined) {
      const tags: string[] = [];
      for await (const tag of this.#upstreams.client(image.domain).tags(image.path)) tags.push(tag);
      return tags.sort();
    }
    if (!(signed instanceof Map))
      throw byPolicy(signed as Refusal, { reference: `${image.domain}/${image.path}`, gun: undefined, rule: '' });
    return [...new Set([...(signed as ReadonlyMap<string, readonly string[]>).values()].flat())].sort();
  }

  /** What was let through by its tag is asked for by its digest next, and a rule may be about tags. */
  async #tagged(image: ImageName, digest: Digest, tag: string): Promise<void> {
    const key = `${image.domain}/${image.path}:${tag}@${digest}`;
    if (this.#knownTags.get(key) !== undefined) return;
    await this.#closure.tagged(image, digest, tag);
    this.#knownTags.set(key, true);
  }

  /** What the policy lets through by its registry's tag: in `warn` and `audit`, and where a rule allows. */
  async #unverified(image: ImageName, tag: string, overruled: Refusal | undefined): Promise<ServedManifest> {
    const { descriptor, bytes, manifest } = await this.#upstreams.client(image.domain).getManifest(image.path, tag);
    const known = { digest: descriptor.digest, mediaType: descriptor.mediaType, bytes };
    await this.#closure.keep(image, known, manifest);
    await this.#tagged(image, known.digest, tag);
    return { ...known, overruled };
  }

  async #manifest(image: ImageName, digest: Digest, size?: number): Promise<KnownManifest> {
    const key = `${image.domain}/${image.path}@${digest}`;
    const found =
      this.#held.get(key) ??
      (await this.#closure.manifest(image, digest)) ??
      (await this.#fetchOnce(image, digest, key, size));
    // the signed length is checked also where the bytes came of another request
    if (size !== undefined && found.bytes.length !== size)
      throw new GatewayRefusal(
        'denied',
        `content trust: manifest ${digest} has ${found.bytes.length} bytes, and ${size} are signed`,
      );
    this.#held.set(key, found, found.bytes.length);
    return found;
  }

  #fetchOnce(image: ImageName, digest: Digest, key: string, size?: number): Promise<KnownManifest> {
    const running =
      this.#fetching.get(key) ?? this.#fetch(image, digest, size).finally(() => this.#fetching.delete(key));
    this.#fetching.set(key, running);
    return running;
  }

  /** Its media type is what the manifest that names it says, where one does; else the registry's word, checked against the body. */
  async #fetch(image: ImageName, digest: Digest, size?: number): Promise<KnownManifest> {
    const named = await this.#closure.descriptor(image, digest);
    if (named !== undefined && (!isManifestType(named.mediaType) || named.size > MAX_MANIFEST_BYTES))
      throw new GatewayRefusal('unknown-manifest', `${digest} is no manifest`);
    const client = this.#upstreams.client(image.domain);
    const { descriptor, bytes, manifest } = await client.getManifest(image.path, digest, size ?? named?.size);
    if (named !== undefined && named.mediaType !== descriptor.mediaType) decodeManifest(bytes, named.mediaType);
    const known = { digest, mediaType: named?.mediaType ?? descriptor.mediaType, bytes };
    await this.#closure.keep(image, known, manifest);
    return known;
  }

  /** Walks the signed images of a repository of which not everything is known; one that cannot be had keeps no other from it. */
  async #rebuild(image: ImageName, roots: readonly Digest[]): Promise<Rebuilt> {
    let left = MAX_REBUILT;
    let missed: GatewayRefusal | undefined;
    const walk = async (digest: Digest): Promise<boolean> => {
      if (left-- <= 0) missed ??= tooMany(image);
      if (left < 0) return false;
      try {
        const found = await this.#manifest(image, digest);
        if (!isIndexType(found.mediaType)) return true;
        let isWhole = true;
        for (const child of referencedBy(decodeManifest(found.bytes, found.mediaType)))
          if (isManifestType(child.mediaType)) isWhole = (await walk(child.digest)) && isWhole;
        return isWhole;
      } catch (error) {
        const refusal = refusalOf(error, 'unknown-manifest');
        // what the registry lost, or has other content for, is in no image that could be had
        if (refusal.kind === 'unavailable') missed ??= refusal;
        return false;
      }
    };
    const queue = [...roots];
    const whole: Digest[] = [];
    const work = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) if (await walk(next)) whole.push(next);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return { whole, missed };
  }
}

function tooMany({ domain, path }: ImageName): GatewayRefusal {
  return new GatewayRefusal('unavailable', `${domain}/${path} has more signed images than are looked through at once`);
}
