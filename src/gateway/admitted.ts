// SPDX-License-Identifier: Apache-2.0
import type { Decision, PolicyEngine, Refusal } from '../policy/index.ts';
import { type Digest, parseDigest } from '../registry/index.ts';
import { BoundedMap } from '../tuf/index.ts';
import type { ClosureStore } from './closure.ts';
import { type ImageName, imageReference } from './names.ts';
import { byPolicy, type GatewayRefusal } from './refusals.ts';

/** Why a digest may be had. */
export interface Admission {
  /** The refusal that mode `warn` or `audit` lets through. */
  readonly overruled: Refusal | undefined;
}

/** Fetches manifests of signed images that are not known yet, so that what they name is. */
export type Rebuild = (image: ImageName, roots: readonly Digest[]) => Promise<Rebuilt>;

export interface Rebuilt {
  /** Images of which all is known. */
  readonly whole: readonly Digest[];
  /** Why one could not be looked through, though it may be in a moment; undefined if that is so of none. */
  readonly missed: GatewayRefusal | undefined;
}

const CLEAN: Admission = { overruled: undefined };
const MAX_REMEMBERED = 100_000;
/** Images that are signed no more are asked about one by one, the nearest first. */
const MAX_FORMER = 100;
const MAX_UNJUDGED = 10;

/**
 * Decides about digests: one may be had if an image that the policy lets through consists of it, an index of its manifests, these of
 * configuration and layers. What was decided serves as long as a check of the repository does.
 */
export class AdmittedDigests {
  readonly #engine: PolicyEngine;
  readonly #closure: ClosureStore;
  readonly #rebuild: Rebuild;
  readonly #elapsed: () => number;
  readonly #clock: () => Date;
  /** Images decided about, by repository and digest, and until when that holds. */
  readonly #images = new BoundedMap<
    string,
    { readonly until: number; readonly expires: number; readonly admission: Admission }
  >(MAX_REMEMBERED);
  /** Signed images of which everything is known. */
  readonly #walked = new BoundedMap<string, true>(MAX_REMEMBERED);
  readonly #rebuilding = new Map<string, Promise<GatewayRefusal | undefined>>();

  constructor(
    engine: PolicyEngine,
    closure: ClosureStore,
    rebuild: Rebuild,
    { elapsed, clock }: { readonly elapsed: () => number; readonly clock: () => Date },
  ) {
    this.#engine = engine;
    this.#closure = closure;
    this.#rebuild = rebuild;
    this.#elapsed = elapsed;
    this.#clock = clock;
  }

  /** An image that was decided about by its tag. */
  remember(image: ImageName, digest: Digest, decision: Decision & { readonly outcome: 'allow' }): void {
    const until = this.#elapsed() + this.#engine.policy.recheckMilliseconds;
    const expires = decision.expires?.getTime() ?? Number.POSITIVE_INFINITY;
    this.#images.set(keyOf(image, digest), { until, expires, admission: { overruled: decision.overruled } });
  }

  /**
   * What is held in memory first, then images that are signed now, then, where the closure was lost, all signed images of the
   * repository anew, then former ones; the digest itself last, whose refusal is the answer. It is none where a signed image that
   * could hold the digest cannot be had: what is not known is not denied (property 4).
   * @throws GatewayRefusal
   */
  async require(image: ImageName, digest: Digest): Promise<Admission> {
    const itself = this.#remembered(image, [digest]);
    if (itself !== undefined) return itself;
    const ancestors = await this.#closure.ancestors(image, digest);
    const remembered = this.#remembered(image, ancestors);
    if (remembered !== undefined) return remembered;
    const signed = await this.#engine.signedDigests(imageReference(image));
    if (signed === undefined) return this.#unjudged(image, [...ancestors.toReversed(), digest]);
    const now = signed instanceof Map ? await this.#signedNow(image, digest, signed) : undefined;
    const admitted = now?.found ?? (await this.#formerly(image, digest));
    if (admitted !== undefined) return admitted;
    const missed = now?.missed;
    const byItself = missed && (await this.#tryDecide(image, digest));
    if (byItself !== undefined) return byItself;
    if (missed !== undefined) throw missed;
    return this.#decide(image, digest);
  }

  /** Through an image that is signed now; walks the signed images once where none is known to hold the digest. */
  async #signedNow(
    image: ImageName,
    digest: Digest,
    signed: ReadonlyMap<string, unknown>,
  ): Promise<{ readonly found: Admission | undefined; readonly missed?: GatewayRefusal | undefined }> {
    const through = async () => {
      const all = [digest, ...(await this.#closure.ancestors(image, digest))];
      return this.#firstAdmitted(
        image,
        all.filter((one) => signed.has(one)),
      );
    };
    const found = await through();
    if (found !== undefined || signed.has(digest)) return { found };
    const missed = await this.#rebuildOnce(image, [...signed.keys()].map(parseDigest));
    return { found: await through(), missed };
  }

  /** Through an image that was let through before, by its digest or by a tag: rules may be about tags or former digests. */
  async #formerly(image: ImageName, digest: Digest): Promise<Admission | undefined> {
    const ancestors = await this.#closure.ancestors(image, digest);
    const found = await this.#firstAdmitted(image, ancestors.slice(0, MAX_FORMER));
    if (found !== undefined) return found;
    for (const one of [digest, ...ancestors].slice(0, MAX_FORMER)) {
      for (const tag of await this.#closure.tagsOf(image, one)) {
        const tagged = await this.#tryDecide(image, one, tag);
        if (tagged !== undefined) return tagged;
      }
    }
    return undefined;
  }

  /** Where everything is let through: with the least that is to be said against it. */
  async #unjudged(image: ImageName, digests: readonly Digest[]): Promise<Admission> {
    let last: Admission | undefined;
    for (const digest of digests.slice(-MAX_UNJUDGED)) {
      last = await this.#decide(image, digest);
      if (last.overruled === undefined) return last;
    }
    return last ?? CLEAN;
  }

  async #firstAdmitted(image: ImageName, digests: readonly Digest[]): Promise<Admission | undefined> {
    for (const digest of digests) {
      const found = await this.#tryDecide(image, digest);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #remembered(image: ImageName, digests: readonly Digest[]): Admission | undefined {
    const [elapsed, now] = [this.#elapsed(), this.#clock().getTime()];
    for (const digest of digests) {
      const found = this.#images.get(keyOf(image, digest));
      if (found !== undefined && elapsed < found.until && now <= found.expires) return found.admission;
    }
    return undefined;
  }

  async #tryDecide(image: ImageName, digest: Digest, tag?: string): Promise<Admission | undefined> {
    const decision = await this.#engine.decide(imageReference(image, tag, digest));
    if (decision.outcome !== 'allow') return undefined;
    this.remember(image, digest, decision);
    return { overruled: decision.overruled };
  }

  /** @throws GatewayRefusal with the policy's own reason */
  async #decide(image: ImageName, digest: Digest): Promise<Admission> {
    const decision = await this.#engine.decide(imageReference(image, undefined, digest));
    if (decision.outcome !== 'allow') throw byPolicy(decision, decision);
    this.remember(image, digest, decision);
    return { overruled: decision.overruled };
  }

  /** One walk of a repository at a time, whoever waits for it, and no image twice. */
  async #rebuildOnce(image: ImageName, roots: readonly Digest[]): Promise<GatewayRefusal | undefined> {
    const key = `${image.domain}/${image.path}`;
    const missing = roots.filter((root) => this.#walked.get(keyOf(image, root)) === undefined);
    if (missing.length === 0 && !this.#rebuilding.has(key)) return undefined;
    const running = this.#rebuilding.get(key) ?? this.#walk(image, missing).finally(() => this.#rebuilding.delete(key));
    this.#rebuilding.set(key, running);
    return running;
  }

  async #walk(image: ImageName, roots: readonly Digest[]): Promise<GatewayRefusal | undefined> {
    const { whole, missed } = await this.#rebuild(image, roots);
    for (const root of whole) this.#walked.set(keyOf(image, root), true);
    return missed;
  }
}

function keyOf({ domain, path }: ImageName, digest: Digest): string {
  return `${domain}/${path}@${digest}`;
}
