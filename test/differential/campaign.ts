// SPDX-License-Identifier: Apache-2.0
/** Repositories in which something is wrong, judged by the original client and by ours. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../support/random.ts';
import { type Difference, explain } from './differences.ts';
import {
  copyDraft,
  type Draft,
  type KeyRing,
  makeDraft,
  makeKeyRing,
  publish,
  type Served,
  SHAPES,
  type Shape,
} from './forge.ts';
import {
  copyMemory,
  emptyMemory,
  LocalServer,
  type Memory,
  OriginalClient,
  ourVerdict,
  type Verdict,
} from './judges.ts';
import { MUTATIONS, type MutationName } from './mutations.ts';
import { evolve } from './successor.ts';

export interface CampaignOptions {
  readonly seed: number;
  readonly count: number;
  readonly jobs?: number;
}

/** One repository on which the two do not agree. */
export interface Disagreement {
  readonly case: number;
  readonly start: 'first use' | 'later';
  readonly labels: readonly string[];
  readonly ours: Verdict;
  readonly original: Verdict;
  /** The documented difference that it is, if it is one. */
  readonly difference: Difference | undefined;
}

export interface Report {
  readonly cases: number;
  readonly bothTrust: number;
  readonly bothRefuse: number;
  readonly disagreements: readonly Disagreement[];
}

/** A sound repository that both clients have seen. */
interface Known {
  readonly draft: Draft;
  readonly served: Served;
  readonly memory: Memory;
  readonly trustDirectory: string;
}

const NAMES = Object.keys(MUTATIONS) as MutationName[];

export async function runCampaign({ seed, count, jobs = 2 }: CampaignOptions): Promise<Report> {
  const now = new Date();
  const ring = await makeKeyRing(now);
  const results: (Disagreement | 'both trust' | 'both refuse')[] = [];
  let next = 0;
  const work = async () => {
    const judge = await Judge.open(ring, now);
    try {
      for (let index = next++; index < count; index = next++) results.push(await judge.judge(index, seed));
    } finally {
      await judge.close();
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return {
    cases: results.length,
    bothTrust: results.filter((result) => result === 'both trust').length,
    bothRefuse: results.filter((result) => result === 'both refuse').length,
    disagreements: results.filter((result) => typeof result !== 'string').sort((a, b) => a.case - b.case),
  };
}

class Judge {
  readonly #ring: KeyRing;
  readonly #now: Date;
  readonly #directory = mkdtempSync(join(tmpdir(), 'hallmark-differential-'));
  readonly #server = new LocalServer();
  readonly #original = new OriginalClient(this.#directory, this.#server);
  readonly #known = new Map<Shape, Known>();

  private constructor(ring: KeyRing, now: Date) {
    this.#ring = ring;
    this.#now = now;
  }

  static async open(ring: KeyRing, now: Date): Promise<Judge> {
    const judge = new Judge(ring, now);
    for (const shape of SHAPES) await judge.#learn(shape);
    return judge;
  }

  async #learn(shape: Shape): Promise<void> {
    const draft = makeDraft(shape, this.#ring, this.#now);
    const served = publish(copyDraft(draft));
    this.#server.served = served;
    const trustDirectory = `known-${shape}`;
    const original = await this.#original.list(undefined, trustDirectory);
    const memory = emptyMemory();
    const ours = await ourVerdict(served, memory, this.#now);
    if (!('trusted' in ours) || !sameVerdict(ours, original))
      throw new Error(`a sound repository is not trusted alike: ${JSON.stringify({ shape, ours, original })}`);
    this.#known.set(shape, { draft, served, memory, trustDirectory });
  }

  /** The choices of a case follow from its number and the seed alone. */
  async judge(index: number, seed: number): Promise<Disagreement | 'both trust' | 'both refuse'> {
    const random = new Random((seed + Math.imul(index, 0x9e3779b1)) >>> 0);
    const known = this.#known.get(random.pick(SHAPES)) as Known;
    const later = random.chance(0.5);
    const draft = copyDraft(known.draft);
    if (later) draft.labels.push(await evolve(draft, this.#ring, random));
    const mutations = Array.from({ length: random.pick([1, 1, 1, 2]) }, () => random.pick(NAMES));
    for (const name of mutations) MUTATIONS[name]({ draft, ring: this.#ring, random, before: known.served });
    const served = publish(draft);
    this.#server.served = served;
    const memory = later ? copyMemory(known.memory, known.draft.bodies.keys()) : emptyMemory();
    const ours = await ourVerdict(served, memory, this.#now);
    const original = await this.#original.list(later ? known.trustDirectory : undefined);
    if (sameVerdict(ours, original)) return 'trusted' in ours ? 'both trust' : 'both refuse';
    const found = {
      case: index,
      start: later ? ('later' as const) : ('first use' as const),
      labels: draft.labels,
      ours,
      original,
    };
    return { ...found, difference: explain(found) };
  }

  async close(): Promise<void> {
    await this.#server.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function sameVerdict(a: Verdict, b: Verdict): boolean {
  if ('refused' in a || 'refused' in b) return 'refused' in a && 'refused' in b;
  return JSON.stringify(a.trusted) === JSON.stringify(b.trusted);
}
