// SPDX-License-Identifier: Apache-2.0
import { resolveTag, type TrustedRepository } from '../client/index.ts';
import { encodeHex } from '../encoding/index.ts';
import { type Digest, isTag, parseDigest } from '../registry/index.ts';
import {
  allSigners,
  canonicalIdOf,
  countSignatures,
  type FoundTarget,
  parentRole,
  RELEASES,
  type RoleName,
  TARGETS,
  VerificationError,
} from '../tuf/index.ts';
import { denied } from './decision.ts';
import type { RequiredSigners } from './policy.ts';

/** A role that signs a digest, with the keys that stand behind it. */
export interface SignedBy {
  readonly role: RoleName;
  /** Canonical IDs of the keys that signed the role's file. */
  readonly keys: readonly string[];
}

/** What one tag is signed for, and by whom. */
export interface SignedTag {
  readonly tag: string;
  readonly digest: Digest;
  readonly size: number;
  readonly signers: readonly SignedBy[];
}

/**
 * The digest of a tag. It is the one that Docker resolves (`targets/releases`, then `targets`); where a rule names signers,
 * enough of them must sign that very digest. Where neither of Docker's roles signs the tag, the named signers decide if
 * enough of them agree on one digest.
 * @throws Refused `missing-signers`, `signers-disagree`; VerificationError `unsigned` and what a role was refused for
 */
export function signedTag(repository: TrustedRepository, tag: string, required?: RequiredSigners): SignedTag {
  const found = signaturesOf(repository, tag);
  const resolved = dockerDigest(repository, tag, required !== undefined);
  if (required === undefined || resolved !== undefined) {
    const digest = resolved as Digest;
    const chosen = withDigest(tag, digest, found);
    if (required !== undefined) requireSigners(chosen, required, found);
    return chosen;
  }
  const digests = [...new Set(found.map((one) => one.digest))];
  const enough = digests
    .map((digest) => withDigest(tag, digest, found))
    .filter((one) => isQuorum(one.signers, required));
  if (enough.length > 1)
    throw denied(
      'signers-disagree',
      'signers',
      `${tag}: signers do not agree: ${enough.map(({ digest }) => digest).join(', ')}`,
    );
  const [agreed] = enough;
  if (agreed !== undefined) return agreed;
  if (found.length === 0) throw new VerificationError('unsigned', TARGETS, `No valid trust data for ${tag}`);
  throw missing(withDigest(tag, digests[0] as Digest, found), required, found);
}

/** @throws Refused `missing-signers`, `signers-disagree` */
export function requireSigners(chosen: SignedTag, required: RequiredSigners, found: readonly Signature[] = []): void {
  if (!isQuorum(chosen.signers, required)) throw missing(chosen, required, found);
}

/**
 * Digests of all tags that any role signs, with those tags. Targets may have any name; what is no tag would be more than a name in
 * a reference, or in the words of a shell.
 */
export function tagsByDigest({ targets }: TrustedRepository): ReadonlyMap<string, readonly string[]> {
  const tags = new Map<string, string[]>();
  for (const found of allSigners(targets.roles)) {
    const digest = digestOf(found);
    if (digest === undefined || !isTag(found.path)) continue;
    const known = tags.get(digest);
    if (known === undefined) tags.set(digest, [found.path]);
    else if (!known.includes(found.path)) known.push(found.path);
  }
  return tags;
}

/**
 * Every tag with what it is signed for, for the record: the digest that Docker resolves, and where it resolves none what other
 * roles say.
 */
export function signedTags(repository: TrustedRepository): readonly SignedTag[] {
  const tags = new Set([...tagsByDigest(repository).values()].flat());
  return [...tags].flatMap((tag) => {
    const found = signaturesOf(repository, tag);
    const resolved = dockerDigest(repository, tag, true);
    const digests = resolved === undefined ? [...new Set(found.map(({ digest }) => digest))] : [resolved];
    return digests.map((digest) => agreement(tag, digest, found)).filter((signed) => signed !== undefined);
  });
}

/** Whether one of the roles that Docker resolves by signs it. */
export function isReleased({ signers }: SignedTag): boolean {
  return signers.some(({ role }) => role === RELEASES || role === TARGETS);
}

/** One role's word on a tag. */
interface Signature extends SignedBy {
  readonly digest: Digest;
  readonly size: number;
}

function signaturesOf(repository: TrustedRepository, tag: string): readonly Signature[] {
  return allSigners(repository.targets.roles, tag).flatMap((found) => {
    const digest = digestOf(found);
    if (digest === undefined) return [];
    return [{ role: found.role, digest, size: found.target.length, keys: keysBehind(repository, found.role) }];
  });
}

function digestOf({ target }: FoundTarget): Digest | undefined {
  const sha256 = target.hashes.get('sha256');
  return sha256 === undefined ? undefined : parseDigest(`sha256:${encodeHex(sha256)}`);
}

/** Undefined if Docker's roles sign nothing for the tag, and others may. */
function dockerDigest(repository: TrustedRepository, tag: string, mayBeOthers: boolean): Digest | undefined {
  try {
    return parseDigest(resolveTag(repository, tag).digest);
  } catch (error) {
    if (mayBeOthers && error instanceof VerificationError && error.code === 'unsigned') return undefined;
    throw error;
  }
}

function withDigest(tag: string, digest: Digest, found: readonly Signature[]): SignedTag {
  const agreed = agreement(tag, digest, found);
  if (agreed !== undefined) return agreed;
  throw denied('signers-disagree', 'signers', `${tag}: signers state different sizes for ${digest}`);
}

/** A digest names one content: two lengths for it cannot both be true, and none of them is believed. */
function agreement(tag: string, digest: Digest, found: readonly Signature[]): SignedTag | undefined {
  const agreeing = found.filter((one) => one.digest === digest);
  const size = agreeing[0]?.size ?? 0;
  if (agreeing.some((one) => one.size !== size)) return undefined;
  return { tag, digest, size, signers: agreeing.map(({ role, keys }) => ({ role, keys })) };
}

const countedKeys = new WeakMap<TrustedRepository, Map<RoleName, readonly string[]>>();

/** The keys of the role that signed its file; a certificate counts by the key inside. */
function keysBehind(repository: TrustedRepository, role: RoleName): readonly string[] {
  const counted = countedKeys.get(repository) ?? new Map<RoleName, readonly string[]>();
  countedKeys.set(repository, counted);
  const keys = counted.get(role) ?? countKeys(repository, role);
  counted.set(role, keys);
  return keys;
}

function countKeys({ targets }: TrustedRepository, role: RoleName): readonly string[] {
  const file = targets.roles.get(role);
  if (file === undefined) return [];
  const root = targets.snapshot.timestamp.root;
  const delegations = targets.roles.get(parentRole(role))?.signed.delegations;
  const delegation = delegations?.roles.find(({ name }) => name === role);
  const top = role === TARGETS ? root.authority('targets') : undefined;
  const keys = top?.keys ?? delegations?.keys;
  const authority = top?.role ?? delegation;
  if (keys === undefined || authority === undefined) return [];
  return countSignatures(file.envelope, keys, authority).signed.flatMap((id) => canonicalIdOf(keys.get(id)) ?? []);
}

/**
 * Whether enough of the named roles sign, each with a key of its own: one person who holds the key of two roles is one
 * signer (S27). So roles are matched with keys, and the size of the largest matching counts.
 */
function isQuorum(signers: readonly SignedBy[], { roles, atLeast }: RequiredSigners): boolean {
  const taking = new Map<string, RoleName>();
  const keysOf = new Map(signers.map(({ role, keys }) => [role, keys]));
  const place = (role: RoleName, tried: Set<string>): boolean => {
    for (const key of keysOf.get(role) ?? []) {
      if (tried.has(key)) continue;
      tried.add(key);
      const holder = taking.get(key);
      if (holder === undefined || place(holder, tried)) {
        taking.set(key, role);
        return true;
      }
    }
    return false;
  };
  return roles.filter((role) => place(role, new Set())).length >= atLeast;
}

function missing({ tag, digest, signers }: SignedTag, required: RequiredSigners, found: readonly Signature[]) {
  const { roles, atLeast } = required;
  const signed = roles.filter((role) => signers.some((signer) => signer.role === role));
  const absent = roles.filter((role) => !signed.includes(role));
  const others = found.filter((one) => roles.includes(one.role) && one.digest !== digest).map(({ role }) => role);
  const shared = absent.length === 0 || signed.length >= atLeast ? ', but not with keys of their own' : '';
  const elsewhere = others.length === 0 ? '' : `; ${others.join(', ')} signs another digest`;
  const text = `${tag}: ${signed.length} of ${atLeast} required signers sign ${digest}${shared}`;
  const lacking = absent.length === 0 ? '' : `: missing ${absent.join(', ')}`;
  return denied(others.length === 0 ? 'missing-signers' : 'signers-disagree', 'signers', text + lacking + elsewhere);
}
