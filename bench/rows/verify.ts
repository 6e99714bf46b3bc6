// SPDX-License-Identifier: Apache-2.0
import { rmSync } from 'node:fs';
import type { Gun } from '../../src/tuf/index.ts';
import type { Effort, Figure, Row } from '../row.ts';
import { hallmark, program } from '../support/programs.ts';
import { benchGun, publishTags } from '../support/publishing.ts';
import { type RunningServer, startNotaryServer } from '../support/servers.ts';
import { inTurns, median, timeProcess } from '../support/timing.ts';
import { environment, type Workspace } from '../support/workspace.ts';

const SIZES = [
  { tags: 1, goal: '≤ 0.7 ×' },
  { tags: 5000, goal: '≤ 0.3 ×' },
] as const;

/** The main question of the command line, as whole processes, asked of one and the same notary-server. */
export const verify: Row = {
  name: 'verify',
  title: 'Which digest was signed for a tag: whole process, TLS, both asking the same notary-server',
  needs: ['notary', 'notary-server'],
  async measure(workspace, effort) {
    const server = await startNotaryServer(workspace);
    const figures: Figure[] = [];
    for (const { tags, goal } of SIZES) {
      const gun = benchGun(`tags-${tags}`);
      await publishTags(server, gun, tags);
      const question = new Question(workspace, server, gun);
      for (const cache of ['warm', 'cold'] as const) {
        figures.push({ ...(await compare(question, cache, effort)), goal, what: nameOf(cache, tags) });
      }
    }
    return figures;
  },
};

function nameOf(cache: 'warm' | 'cold', tags: number): string {
  return `\`hallmark verify\` / \`notary lookup\`, ${cache} cache, ${tags} tag${tags === 1 ? '' : 's'}`;
}

async function compare(question: Question, cache: 'warm' | 'cold', { processPairs }: Effort) {
  const prepare = (): void => (cache === 'cold' ? question.forget() : undefined);
  const ours = () => {
    prepare();
    return question.askHallmark();
  };
  const theirs = () => {
    prepare();
    return question.askNotary();
  };
  await inTurns(2, ours, theirs);
  const { a, b } = await inTurns(processPairs, ours, theirs);
  return { unit: 'ms' as const, hallmark: median(a), original: median(b) };
}

/** The same question to both programs, each with a trust directory of its own. */
class Question {
  readonly #server: RunningServer;
  readonly #gun: Gun;
  readonly #env: Record<string, string>;
  readonly #directories: { readonly hallmark: string; readonly notary: string };

  constructor(workspace: Workspace, server: RunningServer, gun: Gun) {
    this.#server = server;
    this.#gun = gun;
    this.#env = environment(workspace.makeDirectory('home'));
    this.#directories = { hallmark: workspace.makeDirectory('trust'), notary: workspace.makeDirectory('trust') };
  }

  forget(): void {
    for (const directory of Object.values(this.#directories)) rmSync(directory, { recursive: true, force: true });
  }

  /** Milliseconds of the whole process. */
  askHallmark(): number {
    const { url, caFile } = this.#server;
    const options = ['--trust-dir', this.#directories.hallmark, '--server', url, '--ca', caFile];
    return timeProcess({ argv: [hallmark, ...options, 'verify', `${this.#gun}:v0`], env: this.#env }, /@sha256:/);
  }

  /** Milliseconds of the whole process. */
  askNotary(): number {
    const { url, caFile } = this.#server;
    const options = ['-d', this.#directories.notary, '-s', url, '--tlscacert', caFile];
    return timeProcess({ argv: [program('notary'), ...options, 'lookup', this.#gun, 'v0'], env: this.#env }, /sha256:/);
  }
}
