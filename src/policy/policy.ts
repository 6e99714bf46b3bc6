// SPDX-License-Identifier: Apache-2.0
import type { TrustPinning } from '../client/index.ts';
import type { Digest, ImageReference } from '../registry/index.ts';
import type { Gun, RoleName, Version } from '../tuf/index.ts';
import { canonicalName, type ImageName, type ImagePattern, matches } from './pattern.ts';

/** What a refusal does: stops the image; lets it through and tells whoever asks; or lets it through and is only recorded. */
export type Mode = 'enforce' | 'warn' | 'audit';

export type Freshness =
  | { readonly kind: 'online' }
  | { readonly kind: 'max-age'; readonly milliseconds: number }
  | { readonly kind: 'frozen'; readonly floors: ReadonlyMap<string, Version> };

export type DigestRule =
  | { readonly kind: 'signed-now' }
  | { readonly kind: 'signed-ever'; readonly milliseconds: number }
  | { readonly kind: 'any' };

/** Of these roles so many must sign the very digest. */
export interface RequiredSigners {
  readonly roles: readonly RoleName[];
  readonly atLeast: number;
}

/** How images are judged by trust data. */
export interface VerifyTerms {
  readonly kind: 'verify';
  /** Undefined where the image's registry says it: `https://<registry>`, or Docker Hub's. */
  readonly server: string | undefined;
  /** PEM text. */
  readonly ca: string | undefined;
  readonly pinning: TrustPinning;
  readonly signers: RequiredSigners | undefined;
  readonly freshness: Freshness;
  readonly digests: DigestRule;
}

export type Terms =
  | VerifyTerms
  | { readonly kind: 'allow' }
  | { readonly kind: 'deny' }
  | { readonly kind: 'pinned'; readonly tags: ReadonlyMap<string, Digest>; readonly digests: ReadonlySet<Digest> };

/** One pattern with its terms; a rule of several patterns is several of these. */
export interface Rule {
  /** The pattern as it is written, or `default`. */
  readonly name: string;
  /** Undefined for the default. */
  readonly pattern: ImagePattern | undefined;
  readonly mode: Mode;
  readonly terms: Terms;
  /** Name under which the images are judged; a wildcard in it stands for what the pattern's last wildcard covered. */
  readonly identity: string | undefined;
}

export interface Policy {
  /** Where it came from. */
  readonly path: string;
  /** In order of specificity, the most specific first; the default last. */
  readonly rules: readonly Rule[];
  /** For how long one check of a repository serves further decisions. */
  readonly recheckMilliseconds: number;
  /** What its author should know, though it can be used. */
  readonly warnings: readonly string[];
}

/** An image as it is judged. */
export interface JudgedImage extends ImageReference {
  /** The digest is what somebody else says that the tag means: nobody asked for it, so it has to be what is signed for the tag. */
  readonly isResolved: boolean;
}

/** The rule for an image, and the name that it was chosen by. */
export interface ChosenRule {
  readonly rule: Rule;
  readonly name: ImageName;
}

/** The one rule for an image: of those whose pattern covers it the most specific, else the default. */
export function chooseRule(policy: Policy, { domain, path, tag }: ImageReference): ChosenRule {
  const name = canonicalName({ domain, path, tag });
  const rule = policy.rules.find(({ pattern }) => pattern === undefined || matches(pattern, name));
  if (rule === undefined) throw new Error('a policy without a default rule');
  return { rule, name };
}

const HUB_TRUST_SERVER = 'https://notary.docker.io';

/** Docker's choice of a trust server where nobody names one (reference 1.3). */
export function defaultTrustServer(gun: Gun): string {
  const domain = gun.slice(0, gun.indexOf('/'));
  return domain === 'docker.io' ? HUB_TRUST_SERVER : `https://${domain}`;
}
