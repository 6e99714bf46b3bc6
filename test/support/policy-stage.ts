// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Decision,
  type DecisionLabels,
  type DecisionObserver,
  type DecisionRecord,
  PolicyEngine,
  type PolicyEngineOptions,
  parsePolicy,
} from '../../src/policy/index.ts';
import { canonicalKeyId, parseGun, sha256Hex } from '../../src/tuf/index.ts';
import { NOW, RepositorySimulator } from './repository-simulator.ts';

/** What the trust server does with every request; `serve` is to answer it. */
export type ServerMood = 'serve' | 'down' | 'hang' | number | ((url: string) => Response | undefined);

/**
 * Trust servers in memory with simulated repositories, and engines that ask them: write a policy, ask for a decision, expect.
 * Time stands still unless a test moves it.
 */
export class PolicyStage {
  now = NOW;
  /** Milliseconds of the clock that never goes back. */
  ticks = 0;
  mood: ServerMood = 'serve';
  /** What outlives an engine is below it. */
  readonly directory: string;
  readonly #isOwn: boolean;
  readonly repositories = new Map<string, RepositorySimulator>();
  /** URLs that were asked for. */
  readonly requests: string[] = [];
  readonly records: DecisionRecord[] = [];
  readonly counted: DecisionLabels[] = [];
  readonly observer: DecisionObserver = {
    log: (_level, record) => void this.records.push(record),
    count: (labels) => void this.counted.push(labels),
  };

  /** @param directory one that stays when the stage closes; a new one, which goes, unless given */
  constructor(directory?: string) {
    this.#isOwn = directory === undefined;
    this.directory = directory ?? mkdtempSync(join(tmpdir(), 'hallmark-policy-'));
  }

  async repository(gun: string): Promise<RepositorySimulator> {
    const made = await RepositorySimulator.create({ gun: parseGun(gun), now: this.now });
    this.repositories.set(gun, made);
    return made;
  }

  /** An engine that decides by this policy. */
  engine(yaml: string, options: Partial<PolicyEngineOptions> = {}): PolicyEngine {
    return new PolicyEngine({
      policy: parsePolicy(yaml, join(this.directory, 'policy.yaml')),
      directory: join(this.directory, 'trust'),
      point: 'cli',
      clock: () => this.now,
      elapsed: () => this.ticks,
      observer: this.observer,
      transport: () => (url, init) => this.answer(url, init.signal),
      ...options,
    });
  }

  close(): void {
    if (this.#isOwn) rmSync(this.directory, { recursive: true, force: true });
  }

  /** What the trust servers say at an URL now. @throws what a transport throws */
  async answer(url: string, signal: AbortSignal): Promise<Response> {
    this.requests.push(url);
    const { mood } = this;
    if (mood === 'down') throw Object.assign(new Error('no'), { code: 'ECONNREFUSED' });
    if (mood === 'hang')
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    if (typeof mood === 'number') return new Response(null, { status: mood });
    const special = typeof mood === 'function' ? mood(url) : undefined;
    if (special !== undefined) return special;
    const { pathname } = new URL(url);
    const [, gun = '', file = ''] = /^\/v2\/(.*)\/_trust\/tuf\/(.*)$/.exec(decodeURIComponent(pathname)) ?? [];
    const bytes = await this.repositories.get(gun)?.fetch(parseGun(gun), file, Number.MAX_SAFE_INTEGER);
    return bytes === undefined ? new Response(null, { status: 404 }) : new Response(new Uint8Array(bytes));
  }
}

/** The canonical ID of a repository's root key, as pins name it. */
export function rootKeyOf(repository: RepositorySimulator): string {
  const [root] = repository.keys.get('root' as never) ?? [];
  if (root === undefined) throw new Error('no root key');
  return canonicalKeyId(root.listed);
}

/** Gives up what is trusted in a stage, as a user does by name: cache and marks; what is recorded beside them stays. */
export function forgetTrust({ directory }: PolicyStage): void {
  const trust = join(directory, 'trust');
  for (const forgotten of [join(trust, 'tuf'), join(trust, 'hallmark', 'marks')])
    rmSync(forgotten, { recursive: true });
}

/** The digest that {@link RepositorySimulator.tag} signs for some content. */
export function digestOf(content: string): string {
  return `sha256:${sha256Hex(new TextEncoder().encode(content))}`;
}

/** A policy of one rule that trusts on first use, with further terms line by line. */
export function rule(terms: string, images = 'r.example.com/**'): string {
  const lines = terms.split('\n').map((line) => `    ${line}\n`);
  return `version: 1
rules:
  - images: ${images}
    first-use: true
    server: https://trust.example.com
${lines.join('')}`;
}

/** A decision in two words. */
export function short(decision: Decision): string {
  return decision.outcome === 'allow'
    ? `allow ${decision.digest ?? 'unverified'}`
    : `${decision.outcome} ${decision.code}`;
}
