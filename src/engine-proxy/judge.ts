// SPDX-License-Identifier: Apache-2.0
import { type EngineClient, EngineError, type EngineImage } from '../engine/index.ts';
import { type Decision, type PolicyEngine, refusalText } from '../policy/index.ts';
import {
  familiarName,
  type ImageReference,
  InvalidReferenceError,
  parseReference,
  referenceText,
} from '../registry/index.ts';

/** What becomes of an image that somebody named. */
export type Ruling =
  /** The policy says nothing against it and nothing about its content. */
  | { readonly kind: 'as-named' }
  /** This, and nothing else. */
  | { readonly kind: 'use'; readonly reference: string }
  /** It is trusted, and has to be pulled first. */
  | { readonly kind: 'missing'; readonly message: string }
  | { readonly kind: 'refused'; readonly status: 403 | 503; readonly message: string };

/** Thrown where a request has to end since an image in it shall not be used. */
export class RefusedImageError extends Error {
  override readonly name = 'RefusedImageError';
  readonly ruling: Extract<Ruling, { kind: 'refused' | 'missing' }>;

  constructor(ruling: Extract<Ruling, { kind: 'refused' | 'missing' }>) {
    super(ruling.message);
    this.ruling = ruling;
  }
}

/** An image ID, whole or cut short, with or without its algorithm: the engine takes any beginning. */
const ID_LIKE = /^(?:sha256:)?[0-9a-f]{1,64}$/;
const WHOLE_ID = /^(?:sha256:)?[0-9a-f]{64}$/;

/** The policy's decisions in the engine's terms: by name, by ID, and as it lies in the engine. */
export class ImageJudge {
  readonly #policy: Pick<PolicyEngine, 'decide'>;
  readonly #engine: Pick<EngineClient, 'inspectImage'>;

  constructor(policy: Pick<PolicyEngine, 'decide'>, engine: Pick<EngineClient, 'inspectImage'>) {
    this.#policy = policy;
    this.#engine = engine;
  }

  /** An image that is to be run: by the digest that was signed, whatever the engine has under its name (S24). */
  async forUse(image: string): Promise<Ruling> {
    if (ID_LIKE.test(image)) return this.#byIdOrName(image);
    return this.#ifThere(image, await this.forPull(image));
  }

  /**
   * An image that is taken from the machine if it is there, and else pulled, as builds and services do: a name that the policy
   * says nothing against goes on in full, so that the engine cannot take it for the beginning of an ID.
   */
  async forPullOrUse(image: string): Promise<Ruling> {
    const ruling = await this.forPull(image);
    if (ruling.kind !== 'as-named' || !ID_LIKE.test(image)) return ruling;
    return { kind: 'use', reference: referenceText(parseReference(image)) };
  }

  /** An image that tasks of a swarm run, here or elsewhere: nodes pull what they do not have, by that very digest. */
  async forTasks(image: string): Promise<Ruling> {
    return ID_LIKE.test(image) ? this.#byIdOrName(image) : this.forPull(image);
  }

  /** An image that is to be pulled: the reference by digest. */
  async forPull(image: string): Promise<Ruling> {
    return rulingOf(image, await this.#policy.decide(image));
  }

  /**
   * For a place that can refuse and change nothing: whether what the engine has under the name now is the very image that is
   * trusted.
   */
  async asItLies(image: string): Promise<Ruling> {
    const ruling = await this.forUse(image);
    if (ruling.kind === 'refused' || ruling.kind === 'as-named') return ruling;
    const named = await this.#image(image);
    // only where nothing lies under the name does nothing run; that the signed image is not here says nothing of it
    if (named === undefined) return missing(image);
    const trusted = ruling.kind === 'use' ? await this.#image(ruling.reference) : undefined;
    if (trusted?.id === named.id) return ruling;
    return refused(403, `${image} is another image here than the one that was signed: pull it anew`);
  }

  /** The engine takes what is no name of its own for the beginning of an ID. */
  async #byIdOrName(image: string): Promise<Ruling> {
    const lying = await this.#image(image);
    if (lying !== undefined && (WHOLE_ID.test(image) || isIdOf(image, lying))) return this.#byId(image, lying);
    if (WHOLE_ID.test(image)) return missing(image);
    return this.#ifThere(image, await this.forPullOrUse(image));
  }

  /** By the names and digests under which it was pulled or pushed: one of them has to be trusted. */
  async #byId(id: string, { id: whole, repoDigests }: EngineImage): Promise<Ruling> {
    let unavailable: Ruling | undefined;
    for (const reference of repoDigests) {
      const ruling = await this.forPull(reference);
      // whole, since another image could begin like it by the time it is used
      if (ruling.kind === 'as-named') return { kind: 'use', reference: whole };
      if (ruling.kind !== 'refused') return ruling;
      if (ruling.status === 503) unavailable = ruling;
    }
    return (
      unavailable ??
      refused(403, `image ${id} was pulled under no name that the policy trusts: pull and run it by its name`)
    );
  }

  async #ifThere(image: string, ruling: Ruling): Promise<Ruling> {
    return ruling.kind === 'use' && (await this.#image(ruling.reference)) === undefined ? missing(image) : ruling;
  }

  async #image(name: string): Promise<EngineImage | undefined> {
    try {
      return await this.#engine.inspectImage(name);
    } catch (error) {
      if (error instanceof EngineError && error.code === 'not-found') return undefined;
      throw error;
    }
  }
}

function rulingOf(image: string, decision: Decision): Ruling {
  if (decision.outcome !== 'allow')
    return refused(decision.outcome === 'deny' ? 403 : 503, `${image}: ${refusalText(decision, decision.rule)}`);
  if (decision.digest === undefined || !decision.verified) return { kind: 'as-named' };
  return { kind: 'use', reference: `${nameOf(image)}@${decision.digest}` };
}

/** The name with its tag, so that it stays readable before the digest. */
function nameOf(image: string): string {
  const reference = referenceOf(image);
  if (reference === undefined) return image;
  return `${familiarName(reference)}${reference.tag === undefined ? '' : `:${reference.tag}`}`;
}

function referenceOf(image: string): ImageReference | undefined {
  try {
    return parseReference(image);
  } catch (error) {
    if (error instanceof InvalidReferenceError) return undefined;
    throw error;
  }
}

function isIdOf(name: string, { id }: EngineImage): boolean {
  return id.replace('sha256:', '').startsWith(name.replace('sha256:', ''));
}

function missing(image: string): Ruling {
  return { kind: 'missing', message: `No such image: ${image}` };
}

function refused(status: 403 | 503, message: string): Ruling {
  return { kind: 'refused', status, message: `content trust: ${message}` };
}
