// SPDX-License-Identifier: Apache-2.0

/** One command of a transcript, what prepared it, and what it must print. */
export interface Step {
  readonly title: string;
  readonly directives: readonly (readonly string[])[];
  readonly person: string;
  readonly argv: readonly string[];
  /** Lines typed on a terminal. */
  readonly typed: readonly string[] | undefined;
  /** Lines on standard input that is no terminal. */
  readonly piped: readonly string[];
  /** The sections from `--- stdout` or `--- terminal` to `--- exit`, as they stand in the file. */
  readonly expected: string;
  /** Everything of the step before its sections, to write a transcript anew. */
  readonly head: string;
}

/**
 * Reads a transcript: a list of steps, parted by the line `--- exit N`.
 *
 *     # first words that tell what is promised
 *     % image vec/app:1 content
 *     alice$ docker trust sign {registry}/vec/app:1
 *     < typed on a terminal
 *     | or piped
 *     --- stdout
 *     --- stderr
 *     --- exit 0
 */
export function parseTranscript(text: string): readonly Step[] {
  const steps: Step[] = [];
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    lines.push(line);
    if (!line.startsWith('--- exit ')) continue;
    steps.push(stepOf(lines));
    lines = [];
  }
  if (lines.some((line) => line !== '')) throw new Error(`a step has no end: ${lines.join('\n')}`);
  return steps;
}

function stepOf(lines: readonly string[]): Step {
  const start = lines.findIndex((line) => line.startsWith('--- '));
  const head = lines.slice(0, start);
  const command = head.find((line) => /^[a-z]+\$ docker trust/.test(line));
  if (command === undefined) throw new Error(`no command in ${head.join('\n')}`);
  const starting = (mark: string) =>
    head.filter((line) => line.startsWith(mark)).map((line) => line.slice(mark.length));
  const typed = starting('< ');
  return {
    title: starting('# ').join(' ') || command,
    directives: starting('% ').map((line) => line.split(' ')),
    person: command.slice(0, command.indexOf('$')),
    argv:
      command
        .slice(command.indexOf('trust') + 'trust'.length)
        .match(/'[^']*'|\S+/g)
        ?.map(unquoted) ?? [],
    typed: typed.length > 0 ? typed.map((line) => line.replace(/^-$/, '')) : undefined,
    piped: starting('| '),
    expected: lines.slice(start).join('\n'),
    head: head.join('\n'),
  };
}

function unquoted(word: string): string {
  return word.replace(/^'(.*)'$/, '$1');
}

/** What a command did. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both together, where there was a terminal. */
  readonly terminal: string | undefined;
}

/** The sections of an outcome as they stand in a transcript. */
export function sectionsOf({ code, stdout, stderr, terminal }: Outcome): string {
  const section = (name: string, text: string) =>
    `--- ${name}\n${text}${text === '' || text.endsWith('\n') ? '' : '\n(no newline at end)\n'}`;
  const output =
    terminal === undefined ? section('stdout', stdout) + section('stderr', stderr) : section('terminal', terminal);
  return `${output}--- exit ${code}`;
}

/** Puts stable names in the place of what is different in every run: key IDs and digests, in the order they are first seen. */
export class Placeholders {
  readonly #fixed: readonly (readonly [string, string])[];
  readonly #ids: { value: string; name: string }[] = [];

  constructor(fixed: Readonly<Record<string, string>>) {
    this.#fixed = Object.entries(fixed);
  }

  apply(text: string): string {
    const named = this.#fixed.reduce((result, [name, value]) => result.replaceAll(value, `{${name}}`), text);
    const listed = named.replace(/\b[0-9a-f]{12}(?:, [0-9a-f]{12})+\b/g, (list) => this.#list(list.split(', ')));
    const whole = listed.replace(/\b[0-9a-f]{64}\b/g, (id) => `{${this.#nameOf(id)}}`);
    const twelve = whole.replace(/\b[0-9a-f]{12}\b/g, (id) => `{${this.#nameOf(id)}/12}`);
    return twelve.replace(/(?<=with ID )[0-9a-f]{7}\b/g, (id) => `{${this.#nameOf(id)}/7}`);
  }

  /** The other way round, for what is typed. */
  fill(text: string): string {
    return this.#fixed.reduce((result, [name, value]) => result.replaceAll(`{${name}}`, value), text);
  }

  /** Keys are listed by their IDs, which are others in each run: so are the names' places, unless they are put in order. */
  #list(ids: readonly string[]): string {
    const names = ids.map((id) => `{${this.#nameOf(id)}/12}`);
    const isInOrder = ids.every((id, index) => index === 0 || (ids[index - 1] as string) <= id);
    return isInOrder ? names.sort().join(', ') : `not in order: ${names.join(', ')}`;
  }

  #nameOf(id: string): string {
    const known = this.#ids.find(({ value }) => value.startsWith(id) || id.startsWith(value));
    if (known === undefined) {
      const name = `id${this.#ids.length + 1}`;
      this.#ids.push({ value: id, name });
      return name;
    }
    if (id.length > known.value.length) known.value = id;
    return known.name;
  }
}
