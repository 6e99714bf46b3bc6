// SPDX-License-Identifier: Apache-2.0
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.ts';
import { run } from './processes.ts';
import { cleanEnvironment, hallmarkProgram, repositoryRoot } from './programs.ts';
import type { Stage } from './stage.ts';

/** A block of shell in a document, and what the document says that it prints. */
export interface Block {
  readonly line: number;
  readonly script: string;
  readonly expected: string | undefined;
}

/** Every `sh` block of a document, with the `text` block that follows it with nothing between. */
export function blocksOf(document: string): readonly Block[] {
  const text = readFileSync(join(repositoryRoot, document), 'utf8');
  const fences = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
  return fences.flatMap((fence, index) => {
    if (fence[1] !== 'sh') return [];
    const next = fences[index + 1];
    const between = next === undefined ? 'nothing' : text.slice(fence.index + fence[0].length, next.index).trim();
    const expected = next?.[1] === 'text' && between === '' ? next[2] : undefined;
    return [{ line: text.slice(0, fence.index).split('\n').length, script: fence[2] ?? '', expected }];
  });
}

export interface BlockOutcome {
  readonly block: Block;
  /** `undefined` where an earlier block failed. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** For all blocks of a document together, each of some commands. */
const DOCUMENT_MILLISECONDS = 280_000;
const MARK = '----hallmark-block----';

/**
 * Runs blocks in order, in one bash with a home of its own and the program on its path; ports of the document are replaced
 * by free ones. What a block left running in the background ends with the last one.
 */
export async function runBlocks(
  stage: Stage,
  blocks: readonly Block[],
  ports: readonly number[],
  variables: Readonly<Record<string, string>> = {},
): Promise<readonly BlockOutcome[]> {
  const home = stage.makeDirectory('home');
  const bin = stage.makeDirectory('bin');
  const quoted = hallmarkProgram().map((word) => `'${word}'`);
  writeFileSync(join(bin, 'hallmark'), `#!/bin/sh\nexec ${quoted.join(' ')} "$@"\n`);
  chmodSync(join(bin, 'hallmark'), 0o755);
  const free = new Map<number, number>();
  for (const port of ports) free.set(port, await freePort());
  const outcomes = (index: number) => join(stage.directory, `block-${index}`);
  const steps = blocks.map(({ script }, index) => {
    const text = [...free].reduce((now, [port, other]) => now.replaceAll(`:${port}`, `:${other}`), script);
    return `exec >${outcomes(index)}.out 2>${outcomes(index)}.err\n${text}\necho 0 >${outcomes(index)}.code\n`;
  });
  const script = `set -eu\ntrap 'code=$?; kill $(jobs -p) 2>&-; wait; exit $code' EXIT\n${steps.join('')}`;
  const file = join(stage.directory, 'blocks.sh');
  writeFileSync(file, `${script}# ${MARK}\n`);
  const path = `${bin}:/usr/bin:/bin`;
  const outcome = await run(['/bin/bash', file], {
    env: cleanEnvironment({ HOME: home, PATH: path, ...variables }),
    cwd: home,
    milliseconds: DOCUMENT_MILLISECONDS,
  });
  const back = (text: string) =>
    [...free].reduce((now, [port, other]) => now.replaceAll(`:${other}`, `:${port}`), text);
  return blocks.map((block, index) => ({
    block,
    code: read(`${outcomes(index)}.code`) === undefined ? outcome.code || undefined : 0,
    stdout: back(read(`${outcomes(index)}.out`) ?? ''),
    stderr: back(read(`${outcomes(index)}.err`) ?? ''),
  }));
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** What differs from one machine to the next: digests and key ids. */
export function withoutDigests(text: string): string {
  return text.replaceAll(/\b[0-9a-f]{64}\b/g, '<digest>').replaceAll(/\b[0-9a-f]{12}\b/g, '<short>');
}
