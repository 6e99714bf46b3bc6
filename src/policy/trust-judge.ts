// SPDX-License-Identifier: Apache-2.0
import { choosePin, listedPin, TrustDirectoryError, type TrustPinning } from '../client/index.ts';
import { encodeUtf8, equalBytes } from '../encoding/index.ts';
import type { Digest } from '../registry/index.ts';
import { type Gun, ROOT, sha256Hex, TARGETS, VerificationError } from '../tuf/index.ts';
import { type Allowed, denied, Refused, type StepName } from './decision.ts';
import type { JudgedImage, VerifyTerms } from './policy.ts';
import type { AnchoredRoot, PolicyRecord } from './record.ts';
import type { CheckedRepositories, CheckedRepository } from './repositories.ts';
import { isReleased, requireSigners, type SignedTag, signedTag, signedTags } from './signers.ts';
import { spanText } from './values.ts';

type Note = (step: StepName, text: string) => void;

/** Judges images by trust data: brings it up to date, then holds what it says against the terms of a rule. */
export class TrustJudge {
  readonly #repositories: CheckedRepositories;
  readonly #record: PolicyRecord;
  readonly #clock: () => Date;

  constructor(repositories: CheckedRepositories, record: PolicyRecord, clock: () => Date) {
    this.#repositories = repositories;
    this.#record = record;
    this.#clock = clock;
  }

  /**
   * Only an approval may come of a check made a moment ago: a refusal is always of fresh data, so what was signed just now is
   * found.
   * @throws Refused, VerificationError, DownloadError, TrustDirectoryError
   */
  async judge(gun: Gun, terms: VerifyTerms, image: JudgedImage, note: Note): Promise<Allowed> {
    const held = this.#repositories.held(gun, terms);
    if (held !== undefined) {
      const notes: (readonly [StepName, string])[] = [];
      try {
        const allowed = await this.#judged(gun, terms, image, held, (step, text) => notes.push([step, text]));
        for (const [step, text] of notes) note(step, text);
        return allowed;
      } catch (error) {
        if (!(error instanceof Refused) && !(error instanceof VerificationError)) throw error;
      }
    }
    return this.#judged(gun, terms, image, await this.#repositories.check(gun, terms), note);
  }

  /** @throws VerificationError, DownloadError, TrustDirectoryError, Refused `busy` */
  async tagsByDigest(gun: Gun, terms: VerifyTerms): Promise<ReadonlyMap<string, readonly string[]>> {
    return (this.#repositories.held(gun, terms) ?? (await this.#repositories.check(gun, terms))).tagsByDigest;
  }

  async #judged(
    gun: Gun,
    terms: VerifyTerms,
    image: JudgedImage,
    checked: CheckedRepository,
    note: Note,
  ): Promise<Allowed> {
    noteTrustData(checked, note);
    await this.#requirePins(gun, terms, checked, note);
    requireFreshness(gun, terms, checked, note);
    this.#remember(gun, terms, checked);
    const found = this.#resolve(gun, terms, image, checked, note);
    if (found === undefined) return { ...approval(checked), digest: image.digest, tag: image.tag, verified: false };
    const signers = found.signers.map(({ role }) => role);
    note('signers', signers.join(', '));
    note('digest', `${found.tag} is ${found.digest}, ${found.size} bytes`);
    return { ...approval(checked), digest: found.digest, size: found.size, tag: found.tag, signers };
  }

  /**
   * That the pins of the rule lead to the root trusted now: it may have been trusted before the rule said so. A root that once
   * fitted stays so whatever keys its successors have, since each was signed by its predecessor. It has to be that very root, or
   * one to which its chain leads: who gave up what was trusted may have been given another since.
   */
  async #requirePins(gun: Gun, terms: VerifyTerms, { repository }: CheckedRepository, note: Note): Promise<void> {
    const pins = pinsOf(terms.pinning, gun);
    if (pins === undefined) {
      const { pinnedOnFirstUse } = repository;
      note('pins', pinnedOnFirstUse === undefined ? 'no pin; trusted before' : 'no pin; trusted on this first use');
      return;
    }
    note('pins', pins.text);
    const { signed, file } = repository.targets.snapshot.timestamp.root;
    const current = { version: signed.version, sha256: sha256Hex(file) };
    const anchored = this.#record.anchored(gun, pins.fingerprint);
    if (anchored?.sha256 === current.sha256) return;
    const pin = choosePin(terms.pinning, gun, this.#clock());
    const keys = signed.roles.get(ROOT)?.keyIds.flatMap((id) => signed.keys.get(id) ?? []) ?? [];
    const isPinned = keys.some((key) => pin.admits(key));
    if (!isPinned && !(await this.#isSuccessor(gun, terms, anchored, file)))
      throw denied('unmet-pin', 'pins', `the root of ${gun} that was trusted before is none to which ${pins.text}`);
    this.#record.anchor(gun, pins.fingerprint, current);
  }

  /** The pinned key may be that of an earlier root: whether the chain of one that fits the pins leads to this one. */
  async #isSuccessor(
    gun: Gun,
    terms: VerifyTerms,
    anchored: AnchoredRoot | undefined,
    file: Uint8Array,
  ): Promise<boolean> {
    if (anchored !== undefined) {
      try {
        if (equalBytes(file, await this.#repositories.rootAfter(gun, terms, anchored))) return true;
      } catch (error) {
        if (!(error instanceof VerificationError)) throw error;
      }
    }
    return equalBytes(file, await this.#repositories.rootByPins(gun, terms));
  }

  /** A digest that is signed now may be asked for later. What cannot be written down is missed then, not now (S38). */
  #remember(gun: Gun, terms: VerifyTerms, { repository }: CheckedRepository): void {
    const { marks, roles } = repository.targets;
    const hashes = [...roles.keys()].map((role) => `${role} ${marks.get(role)?.sha256}`);
    const fingerprint = sha256Hex(encodeUtf8(hashes.sort().join('\n')));
    try {
      // data that stand in for a silent server say what was signed then
      this.#record.seen(gun, fingerprint, () => signedTags(repository), repository.staleSince ?? this.#clock());
    } catch (error) {
      const isNeeded = terms.digests.kind === 'signed-ever';
      if (isNeeded || !(error instanceof TrustDirectoryError)) throw error;
    }
  }

  /** Undefined where the rule lets every digest through. */
  #resolve(
    gun: Gun,
    terms: VerifyTerms,
    { tag, digest, isResolved }: JudgedImage,
    checked: CheckedRepository,
    note: Note,
  ): SignedTag | undefined {
    const { repository } = checked;
    if (digest === undefined) {
      if (tag === undefined) throw new VerificationError('unsigned', TARGETS, 'a tag or a digest is needed');
      return signedTag(repository, tag, terms.signers);
    }
    if (terms.digests.kind === 'any' && !isResolved) {
      note('digest', `${digest} is asked for by digest, which this rule does not judge`);
      return undefined;
    }
    const tags = tag === undefined ? (checked.tagsByDigest.get(digest) ?? []) : [tag];
    const now = firstOf(tags, (name) => {
      const signed = signedTag(repository, name, terms.signers);
      if (signed.digest === digest) return signed;
      throw denied('other-digest', 'digest', `${name} is signed for ${signed.digest}, not for ${digest}`);
    });
    if ('found' in now) return now.found;
    const before = isResolved ? undefined : this.#signedBefore(gun, terms, tag, digest, note);
    if (before !== undefined) return before;
    throw now.refusal ?? denied('not-signed', 'digest', `${digest} is signed for no tag of ${gun}`);
  }

  #signedBefore(
    gun: Gun,
    terms: VerifyTerms,
    tag: string | undefined,
    digest: Digest,
    note: Note,
  ): SignedTag | undefined {
    if (terms.digests.kind !== 'signed-ever') return undefined;
    const { signers } = terms;
    const since = this.#clock().getTime() - terms.digests.milliseconds;
    const recent = this.#record
      .lastSeen(gun, digest)
      .filter((seen) => seen.lastSeen.getTime() >= since && (tag === undefined || seen.tag === tag))
      .filter((seen) => signers !== undefined || isReleased(seen));
    const result = firstOf(recent, (seen) => {
      if (signers !== undefined) requireSigners(seen, signers);
      return seen;
    });
    if (!('found' in result)) return undefined;
    const { lastSeen } = result.found;
    note(
      'digest',
      `${digest} was signed until ${lastSeen.toISOString()}, within ${spanText(terms.digests.milliseconds)}`,
    );
    return result.found;
  }
}

/** The first that is not refused, or the first refusal. */
function firstOf<T, R>(from: readonly T[], judge: (one: T) => R): { found: R } | { refusal: Error | undefined } {
  let refusal: Error | undefined;
  for (const one of from) {
    try {
      return { found: judge(one) };
    } catch (error) {
      if (!(error instanceof Refused) && !(error instanceof VerificationError)) throw error;
      refusal ??= error;
    }
  }
  return { refusal };
}

function approval({ expires }: CheckedRepository) {
  return { outcome: 'allow', size: undefined, verified: true, signers: [], expires, overruled: undefined } as const;
}

function noteTrustData({ repository, server }: CheckedRepository, note: Note): void {
  const { snapshot, roles } = repository.targets;
  const files = [snapshot.timestamp.root, snapshot.timestamp, snapshot, ...roles.values()];
  const versions = files.map(({ role, signed }) => `${role} ${signed.version}`);
  note('trust data', `${server}: ${versions.join(', ')}`);
  for (const [role, { error }] of repository.refused) note('trust data', `${role} is passed over: ${error.message}`);
}

function requireFreshness(gun: Gun, { freshness }: VerifyTerms, { repository }: CheckedRepository, note: Note): void {
  const { timestamp } = repository.targets.snapshot;
  if (freshness.kind !== 'frozen') {
    const { staleSince } = repository;
    const text =
      staleSince === undefined ? 'the server was asked' : `the server is silent; checked ${staleSince.toISOString()}`;
    note('freshness', text);
    return;
  }
  const floor = freshness.floors.get(gun);
  if (floor === undefined) throw denied('no-floor', 'freshness', `the rule is frozen and names no version for ${gun}`);
  const { version } = timestamp.signed;
  if (version < floor)
    throw denied(
      'below-floor',
      'freshness',
      `timestamp of ${gun} has version ${version}, and at least ${floor} is asked for`,
    );
  note('freshness', `frozen: timestamp ${version}, at least ${floor}`);
}

/** The pins that cover a repository, in words, and a fingerprint that changes with them; undefined for first use. */
function pinsOf(pinning: TrustPinning, gun: Gun): { readonly text: string; readonly fingerprint: string } | undefined {
  const listed = listedPin(pinning, gun);
  if (listed !== undefined) {
    const ids = [...listed.keys, ...listed.certs].map((id) => id.slice(0, 12));
    return {
      text: `the pins of ${listed.name} lead (${ids.join(', ')})`,
      fingerprint: sha256Hex(encodeUtf8(JSON.stringify(listed))),
    };
  }
  const prefixes = [...(pinning.ca?.keys() ?? [])].filter((name) => gun.startsWith(name.replace(/\*+$/, '')));
  if (prefixes.length === 0) return undefined;
  const texts = JSON.stringify(prefixes.map((name) => [name, pinning.ca?.get(name)]));
  return { text: `the pinned authority of ${prefixes.join(', ')} leads`, fingerprint: sha256Hex(encodeUtf8(texts)) };
}
