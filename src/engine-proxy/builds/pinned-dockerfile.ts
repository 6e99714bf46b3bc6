// SPDX-License-Identifier: Apache-2.0
import { AmbiguousRequestError } from '../request-head.ts';
import { BuildArguments } from './build-arguments.ts';
import { type Dockerfile, type Instruction, readDockerfile, unclear } from './dockerfile.ts';

/** Says what a build shall use in the place of an image; throws where it shall not be used. */
export type Pin = (image: string) => Promise<string>;

/** An image that an instruction takes, and how the instruction reads with another in its place. */
interface Use {
  readonly instruction: Instruction;
  readonly image: string;
  /** Otherwise it is a stage of the build, and only its name is written out: the engine could know other values of arguments. */
  readonly isOutside: boolean;
  with(image: string): string;
}

const STAGE_NAME = /^[a-z][a-z0-9_.-]*$/;
/** Flags without anything that quotes or escapes. */
const FLAGS = /^((?:--[^\s"'`\\]+[ \t]+)*)(.*)$/s;

/**
 * A Dockerfile in which every image from outside stands by the digest that was signed. What it gives is read again, and has
 * to name those images and no other.
 * @param given values of build arguments, as {@link BuildArguments} takes them
 * @throws AmbiguousRequestError what cannot be read with certainty
 */
export async function pinDockerfile(
  bytes: Uint8Array,
  given: ReadonlyMap<string, string | undefined>,
  pin: Pin,
): Promise<Uint8Array> {
  const dockerfile = readDockerfile(bytes);
  const uses = usesOf(dockerfile, given);
  const lines = [...dockerfile.lines];
  const pinned: string[] = [];
  for (const use of uses) {
    const image = use.isOutside ? await pin(use.image) : use.image;
    const { start, end } = use.instruction;
    // as many lines as before, so that the builder's messages point to the same ones
    lines.fill('', start, end);
    lines[start] = use.with(image);
    if (use.isOutside) pinned.push(image);
  }
  const result = Buffer.from(lines.join('\n'), 'utf8');
  const seen = usesOf(readDockerfile(result), given).map(({ image }) => image);
  if (seen.length !== pinned.length || seen.some((image, index) => image !== pinned[index]))
    throw new AmbiguousRequestError('a Dockerfile that reads otherwise with its images by digest');
  return result;
}

function usesOf(dockerfile: Dockerfile, given: ReadonlyMap<string, string | undefined>): readonly Use[] {
  const stages = new Stages();
  const variables = new BuildArguments(given);
  return dockerfile.instructions.flatMap((instruction) => {
    const { keyword, rest } = instruction;
    if (keyword === 'arg' && stages.count === 0) variables.declare(rest);
    if (keyword === 'from') return fromUse(instruction, variables, stages);
    if (keyword === 'copy') return copyUse(instruction, stages);
    refuseOthers(instruction);
    return [];
  });
}

/** Stages of the build that are done, by name and by number. One that is not done yet is an image to the engine. */
class Stages {
  readonly #names = new Set<string>();
  #current: string | undefined;
  /** With the one that is not done. */
  count = 0;

  /** @param name of the stage that begins, which ends the one before */
  add(name: string | undefined): void {
    this.count++;
    if (this.#current !== undefined) this.#names.add(this.#current);
    this.#current = name;
  }

  has(name: string, { start }: Instruction): boolean {
    if (this.#names.has(name)) return true;
    if (this.#names.has(name.toLowerCase())) throw unclear(start, 'names a stage in other letters');
    return false;
  }

  /** `COPY --from` of a stage within itself: BuildKit calls it a circle, the classic builder takes an image of that name. */
  isCurrent(name: string): boolean {
    return this.#current === name.toLowerCase() || name === String(this.count - 1);
  }
}

function fromUse(instruction: Instruction, variables: BuildArguments, stages: Stages): readonly Use[] {
  const { rest, start } = instruction;
  const { flags, operands } = flagsOf(instruction);
  if (!/^(?:--platform=\S+[ \t]+)?$/.test(flags)) throw unclear(start, 'has a flag that is not known');
  const [word = '', as, alias, ...more] = operands.split(/[ \t]+/);
  const isNamed = as !== undefined;
  if (more.length > 0 || (isNamed && (as.toLowerCase() !== 'as' || alias === undefined)))
    throw unclear(start, `is no FROM: ${rest.slice(0, 80)}`);
  const name = alias?.toLowerCase();
  if (name !== undefined && (!STAGE_NAME.test(name) || name === 'scratch')) throw unclear(start, 'names no stage');
  const image = variables.resolve(word);
  if (image === undefined) throw unclear(start, 'has an image whose name depends on what is not known');
  if (/^\d+$/.test(image)) throw unclear(start, 'has a number for an image');
  stages.add(name);
  const isOutside = image !== 'scratch' && !stages.has(image, instruction);
  if (!isOutside && word === image) return [];
  const ending = isNamed ? ` AS ${alias}` : '';
  return [{ instruction, image, isOutside, with: (pinned) => `FROM ${flags}${pinned}${ending}` }];
}

function copyUse(instruction: Instruction, stages: Stages): readonly Use[] {
  const { start } = instruction;
  const { flags, operands } = flagsOf(instruction);
  const sources = flags.split(/[ \t]+/).filter((flag) => /^--from(?:=|$)/i.test(flag));
  const isMisplaced = /(?:^|\s)--from/i.test(operands);
  if (sources.length === 0 && !isMisplaced) return [];
  const [, image] = /^--from=([A-Za-z0-9._/:@-]+)$/.exec(sources[0] ?? '') ?? [];
  if (isMisplaced || sources.length !== 1 || image === undefined)
    throw unclear(start, 'copies from what cannot be told');
  if (stages.isCurrent(image)) throw unclear(start, 'copies from its own stage');
  if (/^\d+$/.test(image)) {
    if (Number(image) < stages.count) return [];
    throw unclear(start, 'copies from a stage that is not there');
  }
  if (stages.has(image, instruction)) return [];
  const rewritten = (pinned: string) => flags.replace(`--from=${image}`, () => `--from=${pinned}`);
  return [{ instruction, image, isOutside: true, with: (pinned) => `COPY ${rewritten(pinned)}${operands}` }];
}

/** The engine takes quotes and escapes out of flags: `--fr"om"=evil` is one of them. */
function flagsOf({ rest, start }: Pick<Instruction, 'rest' | 'start'>): { flags: string; operands: string } {
  const [, flags = '', operands = ''] = FLAGS.exec(rest) ?? [];
  if (operands.startsWith('--')) throw unclear(start, 'has a flag that cannot be told for certain');
  return { flags, operands };
}

/** Instructions that could bring an image in some other way. */
function refuseOthers({ keyword, rest, start }: Instruction): void {
  const [, trigger] = /^([A-Za-z]+)[ \t]/.exec(rest) ?? [];
  const isTrigger = keyword === 'onbuild';
  if (isTrigger && /^(?:from|onbuild)$/i.test(trigger ?? '')) throw unclear(start, 'triggers what no trigger may do');
  const word = isTrigger ? (trigger ?? '').toLowerCase() : keyword;
  const operands = isTrigger ? rest.slice((trigger ?? '').length).trimStart() : rest;
  if (!['run', 'add', 'copy'].includes(word)) return;
  const { flags } = flagsOf({ rest: operands, start });
  if (word === 'run' && /--mount/i.test(flags)) throw unclear(start, 'mounts what only BuildKit can');
  if ((word === 'add' || isTrigger) && /--from/i.test(flags)) throw unclear(start, 'copies from an image later on');
}
