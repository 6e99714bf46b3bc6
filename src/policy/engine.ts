// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { DownloadError, TrustDirectoryError } from '../client/index.ts';
import {
  type Credentials,
  type Digest,
  type ImageReference,
  InvalidReferenceError,
  parseReference,
  referenceText,
  type Transport,
} from '../registry/index.ts';
import { MetadataError, parseGun, VerificationError } from '../tuf/index.ts';
import { type Budget, DEFAULT_BUDGET } from './budget.ts';
import { type Allowed, type Decision, denied, type Refusal, Refused, type Step, unavailable } from './decision.ts';
import { judgedGun } from './identity.ts';
import { type DecisionObserver, type EnforcementPoint, observe } from './observe.ts';
import { type ChosenRule, chooseRule, type JudgedImage, type Policy, type Terms } from './policy.ts';
import { PolicyRecord } from './record.ts';
import { CheckedRepositories } from './repositories.ts';
import { TrustJudge } from './trust-judge.ts';

export interface PolicyEngineOptions {
  readonly policy: Policy;
  /** Trust directory: what is trusted, and what was signed, outlives the process there, so a rollback is noticed. */
  readonly directory: string;
  readonly point: EnforcementPoint;
  readonly clock: () => Date;
  readonly observer?: DecisionObserver;
  /** Login for a registry (`docker.io`, `registry.example.com`), shown to its trust server as Docker does; none unless given. */
  readonly credentials?: (domain: string) => Promise<Credentials | undefined>;
  /** How a trust server is spoken to; by the rule's `ca` or the system's authorities unless given. */
  readonly transport?: (server: string, ca: string | undefined) => Transport;
  readonly budget?: Partial<Budget>;
  readonly elapsed?: () => number;
}

/**
 * Decides about images by one policy. May be asked by any number of callers at once. It never resolves a tag by a registry,
 * fetches no image, and a decision that cannot be completed is a refusal (property 4).
 */
export class PolicyEngine {
  readonly policy: Policy;
  readonly #point: EnforcementPoint;
  readonly #observer: DecisionObserver | undefined;
  readonly #elapsed: () => number;
  readonly #record: PolicyRecord;
  readonly #judge: TrustJudge;
  readonly #repositories: CheckedRepositories;

  /** @throws TrustDirectoryError */
  constructor(options: PolicyEngineOptions) {
    const {
      policy,
      directory,
      clock,
      elapsed = () => performance.now(),
      credentials = async () => undefined,
    } = options;
    this.policy = policy;
    this.#point = options.point;
    this.#observer = options.observer;
    this.#elapsed = elapsed;
    this.#record = new PolicyRecord(join(directory, 'hallmark', 'policy.db'));
    this.#repositories = new CheckedRepositories({
      directory,
      clock,
      elapsed,
      credentials,
      budget: { ...DEFAULT_BUDGET, ...options.budget },
      recheckMilliseconds: policy.recheckMilliseconds,
      transport: options.transport,
    });
    this.#judge = new TrustJudge(this.#repositories, this.#record, clock);
  }

  /**
   * Whether an image may be used, and which content it is. Never rejects for what a reference, a server or a record does:
   * that is a refusal with its reason.
   * @param resolved what somebody else resolved the reference to: only what the tag is signed for will do (S24), whatever digests
   * the rule lets be asked for
   */
  async decide(reference: string | ImageReference, resolved?: Digest): Promise<Decision> {
    const start = this.#elapsed();
    const decision = await this.#decide(reference, resolved);
    if (this.#observer !== undefined) observe(this.#observer, this.#point, decision, this.#elapsed() - start);
    return decision;
  }

  /**
   * Which digests of a repository the policy could let through now, with their tags; each still has to be decided about. Undefined
   * where it lets any digest through.
   */
  async signedDigests(
    repository: ImageReference,
  ): Promise<ReadonlyMap<string, readonly string[]> | undefined | Refusal> {
    const chosen = chooseRule(this.policy, repository);
    const { terms, mode } = chosen.rule;
    try {
      if (mode !== 'enforce' || terms.kind === 'allow') return undefined;
      if (terms.kind === 'deny') throw denied('denied', 'rule', `rule ${chosen.rule.name} denies`);
      if (terms.kind === 'pinned') return pinnedDigests(terms);
      if (terms.digests.kind === 'any') return undefined;
      return await this.#judge.tagsByDigest(judgedGun(chosen), terms);
    } catch (error) {
      return refusalOf(error);
    }
  }

  /**
   * A file of a repository's trust data as its server has it, for clients that verify themselves; undefined if there is none.
   * @throws DownloadError; MetadataError if the name is none, or no rule has its images verified
   */
  trustFile(repository: ImageReference, fileName: string): Promise<Uint8Array | undefined> {
    const { rule, name } = chooseRule(this.policy, repository);
    const gun = parseGun(`${name.domain}/${name.path}`);
    if (rule.terms.kind !== 'verify') throw new MetadataError('malformed', `no rule has ${gun} verified`);
    return this.#repositories.rawFile(gun, rule.terms, fileName);
  }

  close(): void {
    this.#record.close();
  }

  async #decide(asked: string | ImageReference, resolved: Digest | undefined): Promise<Decision> {
    const trail = new Trail(typeof asked === 'string' ? asked : referenceText(asked));
    let chosen: ChosenRule | undefined;
    let image: JudgedImage | undefined;
    try {
      image = judgedImage(typeof asked === 'string' ? parseReference(asked) : asked, resolved);
      trail.note('reference', referenceText(image));
      chosen = chooseRule(this.policy, image);
      const { rule } = chosen;
      trail.note('rule', `${rule.name}: ${rule.terms.kind}, ${rule.mode}`);
      return trail.decision(chosen, await this.#apply(rule.terms, chosen, image, trail));
    } catch (error) {
      return trail.decision(chosen, overrule(chosen, refusalOf(error), image));
    }
  }

  async #apply(terms: Terms, chosen: ChosenRule, image: JudgedImage, trail: Trail): Promise<Allowed> {
    switch (terms.kind) {
      case 'deny':
        throw chosen.rule.pattern === undefined
          ? denied(
              'no-rule',
              'rule',
              `no rule covers ${chosen.name.domain}/${chosen.name.path}, and the default denies`,
            )
          : denied('denied', 'rule', `rule ${chosen.rule.name} denies`);
      case 'allow':
        return { ...NOTHING_VERIFIED, digest: image.digest, tag: image.tag };
      case 'pinned':
        return pinned(terms, chosen, image);
      case 'verify': {
        const gun = judgedGun(chosen);
        trail.gun = gun;
        trail.note('identity', gun);
        return this.#judge.judge(gun, terms, image, (step, line) => trail.note(step, line));
      }
      default:
        return terms satisfies never;
    }
  }
}

const NOTHING_VERIFIED = {
  outcome: 'allow',
  size: undefined,
  verified: false,
  signers: [],
  expires: undefined,
  overruled: undefined,
} as const;

function pinnedDigests({ tags, digests }: Terms & { kind: 'pinned' }): ReadonlyMap<string, readonly string[]> {
  return new Map(
    [...digests].map((digest) => [digest, [...tags].flatMap(([tag, one]) => (one === digest ? [tag] : []))]),
  );
}

/** A name with a digest of its own was asked for by that digest: it can be resolved to no other. */
function judgedImage(named: ImageReference, resolved: Digest | undefined): JudgedImage {
  if (resolved === undefined || named.digest === resolved) return { ...named, isResolved: false };
  if (named.digest !== undefined)
    throw denied('other-digest', 'reference', `${referenceText(named)} was resolved to ${resolved}`);
  return { ...named, digest: resolved, isResolved: true };
}

function pinned(terms: Terms & { kind: 'pinned' }, { rule }: ChosenRule, image: JudgedImage): Allowed {
  const { tag, digest, isResolved } = image;
  const found = digest ?? (tag === undefined ? undefined : terms.tags.get(tag));
  const isListed = found !== undefined && terms.digests.has(found);
  const isSame =
    digest === undefined || tag === undefined || (terms.tags.get(tag) ?? (isResolved ? undefined : digest)) === digest;
  if (!isListed || !isSame)
    throw denied(
      'not-pinned',
      'digest',
      `rule ${rule.name} pins no such image: ${tag ?? ''}${digest === undefined ? '' : `@${digest}`}`,
    );
  return { ...NOTHING_VERIFIED, verified: true, digest: found, tag };
}

/** In the modes `warn` and `audit` what is refused is let through, as it was asked for; the refusal goes with it (S29). */
function overrule(chosen: ChosenRule | undefined, refusal: Refusal, image: JudgedImage | undefined): Allowed | Refusal {
  if (chosen === undefined || chosen.rule.mode === 'enforce') return refusal;
  return { ...NOTHING_VERIFIED, digest: image?.digest, tag: image?.tag, overruled: refusal };
}

/** Property 4: bad evidence is a denial, evidence that could not be had is not. */
function refusalOf(error: unknown): Refusal {
  if (error instanceof Refused) return error.refusal;
  if (error instanceof VerificationError)
    return denied(error.code, error.code === 'unmet-pin' ? 'pins' : 'trust data', error.message).refusal;
  if (error instanceof DownloadError) return unavailable(error.code, 'trust data', error.message).refusal;
  if (error instanceof TrustDirectoryError) return unavailable('state', 'trust data', error.message).refusal;
  if (error instanceof InvalidReferenceError) return denied('invalid-reference', 'reference', error.message).refusal;
  if (error instanceof MetadataError) return denied('invalid-reference', 'identity', error.message).refusal;
  // what nobody foresaw is no reason to let an image through
  const reason = error instanceof Error ? error.message : String(error);
  return unavailable('state', 'trust data', `internal error: ${reason.split('\n')[0]}`).refusal;
}

/** What was looked at, as it is looked at. */
class Trail {
  readonly #reference: string;
  readonly #steps: Step[] = [];
  gun: string | undefined;

  constructor(reference: string) {
    this.#reference = reference.slice(0, 1024);
  }

  note(step: Step['step'], text: string): void {
    this.#steps.push({ step, result: 'ok', text });
  }

  decision(chosen: ChosenRule | undefined, verdict: Allowed | Refusal): Decision {
    const refusal = verdict.outcome === 'allow' ? verdict.overruled : verdict;
    if (refusal !== undefined) {
      const result = refusal.outcome === 'deny' ? 'refused' : 'unavailable';
      this.#steps.push({ step: refusal.step, result, text: refusal.message });
    }
    const { name: rule, mode } = chosen?.rule ?? { name: 'none', mode: 'enforce' as const };
    return { ...verdict, reference: this.#reference, gun: this.gun, rule, mode, steps: this.#steps };
  }
}
