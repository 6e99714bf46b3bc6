// SPDX-License-Identifier: Apache-2.0
import { decodePins, pinningFrom, TrustDirectoryError, type TrustPinning } from '../client/index.ts';
import { encodeUtf8 } from '../encoding/index.ts';
import { isTag, parseDigest } from '../registry/index.ts';
import { MetadataError, parseGun, parseRoleName, type RoleName, TARGETS, type Version } from '../tuf/index.ts';
import { PolicyError, type PolicyFinding } from './errors.ts';
import { checkIdentity } from './identity.ts';
import { canMeet, compareSpecificity, type ImagePattern, PatternError, parsePattern } from './pattern.ts';
import type { DigestRule, Freshness, Mode, Policy, RequiredSigners, Rule, Terms, VerifyTerms } from './policy.ts';
import type { PolicyDocument, RuleDocument, TermsDocument } from './schema.ts';
import { checkServerUrl, parseSpan } from './values.ts';

/** What a policy names beside itself. Paths are as they stand in the policy. */
export interface PolicyFiles {
  /** The directory in which relative paths are looked up. */
  readonly directory: string;
  /** PEM text of an authority. @throws PatternError with a message for its reader */
  authority(path: string): string;
  /** @throws TrustDirectoryError */
  pinning(path: string): TrustPinning;
}

const DEFAULT_RECHECK = 5000;
const MAX_RECHECK = 300_000;

/** A policy ready to decide. @throws PolicyError with everything that is wrong */
export function compilePolicy(document: PolicyDocument, path: string, files: PolicyFiles): Policy {
  const compiler = new Compiler(files);
  const rules = (document.rules ?? []).flatMap((rule, at) => compiler.rule(rule, `rules[${at}]`));
  const fallback = compiler.terms('default', document.default ?? { action: 'deny' }, 'default');
  const recheckMilliseconds = document.recheck === undefined ? DEFAULT_RECHECK : parseSpan(document.recheck);
  if (recheckMilliseconds > MAX_RECHECK) compiler.fault('recheck', 'more than 5m');
  const sorted = rules.toSorted((a, b) => compareSpecificity(a.pattern, b.pattern));
  compiler.refuseTies(sorted);
  if (compiler.findings.length > 0) throw new PolicyError(path, compiler.findings);
  return { path, rules: [...sorted, fallback], recheckMilliseconds, warnings: compiler.warnings };
}

type PatternRule = Rule & { readonly pattern: ImagePattern };

class Compiler {
  readonly findings: PolicyFinding[] = [];
  readonly warnings: string[] = [];
  readonly #files: PolicyFiles;

  constructor(files: PolicyFiles) {
    this.#files = files;
  }

  fault(place: string, message: string): void {
    this.findings.push({ place, message });
  }

  rule({ images, ...document }: RuleDocument, place: string): readonly PatternRule[] {
    const texts = typeof images === 'string' ? [images] : images;
    const shared = this.terms(texts[0] ?? '', document, place);
    return texts.flatMap((text) => {
      const pattern = this.#try(`${place}.images`, () => parsePattern(text));
      if (pattern === undefined) return [];
      this.#warnOfTag(pattern, shared);
      const { identity } = shared;
      if (identity !== undefined) this.#try(`${place}.identity`, () => checkIdentity(identity, pattern));
      return [{ ...shared, name: text, pattern }];
    });
  }

  /** Rules that are equally specific and can cover one image: which of them holds would be an accident. */
  refuseTies(sorted: readonly PatternRule[]): void {
    for (const [at, rule] of sorted.entries()) {
      for (const other of sorted.slice(at + 1)) {
        if (compareSpecificity(rule.pattern, other.pattern) !== 0) break;
        if (canMeet(rule.pattern, other.pattern))
          this.fault('rules', `${rule.name} and ${other.name} are equally specific and can cover the same image`);
      }
    }
  }

  terms(name: string, document: TermsDocument, place: string): Rule {
    const { action = 'verify', mode = 'enforce' } = document;
    this.#refuseForeign(action, document, place);
    this.#warnOf(name, action, mode);
    const identity = document.identity === undefined ? undefined : hubIdentity(document.identity);
    return { name, pattern: undefined, mode, terms: this.#terms(name, action, document, place), identity };
  }

  #terms(name: string, action: Terms['kind'], document: TermsDocument, place: string): Terms {
    if (action === 'verify') return this.#verify(name, document, place);
    if (action !== 'pinned') return { kind: action };
    const { tags = {}, digests = [] } = document.pinned ?? {};
    for (const tag of Object.keys(tags)) if (!isTag(tag)) this.fault(`${place}.pinned.tags`, `${tag} is no tag`);
    const pinned = new Map(Object.entries(tags).map(([tag, digest]) => [tag, parseDigest(digest)] as const));
    const all = new Set([...pinned.values(), ...digests.map(parseDigest)]);
    if (all.size === 0) this.fault(`${place}.pinned`, 'action pinned needs tags or digests');
    return { kind: 'pinned', tags: pinned, digests: all };
  }

  #verify(name: string, document: TermsDocument, place: string): VerifyTerms {
    const { server, ca, pins, 'first-use': firstUse = false } = document;
    if (server !== undefined) this.#try(`${place}.server`, () => checkServerUrl(server));
    const authority = ca === undefined ? undefined : this.#try(`${place}.ca`, () => this.#authority(ca));
    const pinning = this.#try(`${place}.pins`, () => this.#pinning(pins, firstUse)) ?? { trustOnFirstUse: false };
    if (pins === undefined && !firstUse)
      this.warnings.push(`${name}: neither pins nor first-use: nothing that was not trusted before can be trusted`);
    return {
      kind: 'verify',
      server: server?.replace(/\/+$/, ''),
      ca: authority,
      pinning,
      signers: this.#signers(document.signers, place),
      freshness: this.#freshness(document.freshness, place),
      digests: digestRule(document.digests),
    };
  }

  #authority(ca: string): string {
    return ca.startsWith('-----BEGIN ') ? ca : this.#files.authority(ca);
  }

  #pinning(pins: TermsDocument['pins'], trustOnFirstUse: boolean): TrustPinning {
    if (pins === undefined) return { trustOnFirstUse };
    const read = typeof pins === 'string' ? this.#files.pinning(pins) : this.#inlinePins(pins);
    return { ...read, trustOnFirstUse };
  }

  #inlinePins(pins: object): TrustPinning {
    return pinningFrom(this.#files.directory, decodePins(encodeUtf8(JSON.stringify(pins))));
  }

  #signers(signers: TermsDocument['signers'], place: string): RequiredSigners | undefined {
    if (signers === undefined) return undefined;
    const list = Array.isArray(signers) ? signers : 'all' in signers ? signers.all : signers.of;
    const roles = this.#try(`${place}.signers`, () => [...new Set(list.map(signerRole))]) ?? [];
    const atLeast = !Array.isArray(signers) && 'of' in signers ? signers['at-least'] : roles.length;
    if (atLeast > roles.length) this.fault(`${place}.signers`, `${atLeast} of ${roles.length} signers can never sign`);
    return { roles, atLeast };
  }

  #freshness(freshness: TermsDocument['freshness'], place: string): Freshness {
    if (freshness === undefined || freshness === 'online') return { kind: 'online' };
    if ('max-age' in freshness) return { kind: 'max-age', milliseconds: parseSpan(freshness['max-age']) };
    const floors = Object.entries(freshness.frozen);
    for (const [gun] of floors) this.#try(`${place}.freshness.frozen`, () => parseGun(gun));
    if (floors.length === 0) this.fault(`${place}.freshness.frozen`, 'names no repository');
    return { kind: 'frozen', floors: new Map(floors.map(([gun, version]) => [gun, version as Version])) };
  }

  /** A field that has no effect would be taken for one that has. */
  #refuseForeign(action: Terms['kind'], document: TermsDocument, place: string): void {
    const general = ['action', 'mode'];
    const own = action === 'verify' ? VERIFY_FIELDS : action === 'pinned' ? ['pinned'] : [];
    for (const field of Object.keys(document))
      if (!general.includes(field) && !own.includes(field))
        this.fault(`${place}.${field}`, `has no effect with action ${action}`);
    if (place === 'default' && document.identity !== undefined)
      this.fault('default.identity', 'the default has no pattern to map from');
  }

  #warnOf(name: string, action: Terms['kind'], mode: Mode): void {
    if (mode !== 'enforce') this.warnings.push(`${name}: mode ${mode}: what is refused is let through`);
    if (action === 'allow') this.warnings.push(`${name}: action allow: images are let through unverified`);
  }

  /** The tag before a digest is whatever its asker likes: nothing but trust data could say that it means that digest. */
  #warnOfTag({ text, tag }: ImagePattern, { mode, terms }: Rule): void {
    const bindsTag = terms.kind === 'verify' ? terms.digests.kind !== 'any' : terms.kind !== 'allow';
    if (tag !== undefined && (mode !== 'enforce' || !bindsTag))
      this.warnings.push(
        `${text}: whoever asks by digest may name this tag: every digest of the repository is let through`,
      );
  }

  #try<T>(place: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      const isExpected =
        error instanceof PatternError || error instanceof MetadataError || error instanceof TrustDirectoryError;
      if (!isExpected) throw error;
      this.fault(place, error.message);
      return undefined;
    }
  }
}

const VERIFY_FIELDS = ['server', 'ca', 'pins', 'first-use', 'signers', 'freshness', 'digests', 'identity'];

/** Docker's signer `alice` is the delegation `targets/alice`. */
function signerRole(name: string): RoleName {
  return parseRoleName(name.startsWith(`${TARGETS}/`) ? name : `${TARGETS}/${name}`);
}

function digestRule(digests: TermsDocument['digests']): DigestRule {
  if (digests === undefined || digests === 'signed-now') return { kind: 'signed-now' };
  if (digests === 'any') return { kind: 'any' };
  return { kind: 'signed-ever', milliseconds: parseSpan(digests['signed-ever']) };
}

function hubIdentity(identity: string): string {
  const path = identity.startsWith('docker.io/') ? identity.slice('docker.io/'.length) : undefined;
  return path === undefined || path.includes('/') || path.startsWith('**') ? identity : `docker.io/library/${path}`;
}
