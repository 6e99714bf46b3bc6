// SPDX-License-Identifier: Apache-2.0
import { DecodeError, decodeUtf8 } from '../../encoding/index.ts';
import { AmbiguousRequestError } from '../request-head.ts';

/** One instruction: its lines joined, as the classic builder joins them. */
export interface Instruction {
  /** In small letters: `from`, `copy`. */
  readonly keyword: string;
  /** What follows the keyword, without white space around it. */
  readonly rest: string;
  /** Its lines in the file: the first, and the one after the last. */
  readonly start: number;
  readonly end: number;
}

export interface Dockerfile {
  readonly lines: readonly string[];
  readonly instructions: readonly Instruction[];
}

const MAX_LINE = 60_000;
const COMMENT = /^[ \t]*#/;
const BLANK = /^[ \t]*$/;
const ESCAPE_DIRECTIVE = /^# ?escape=([\\`])[ \t]*$/;
const SYNTAX_DIRECTIVE = /^#[ \t]*syntax[ \t]*=/i;
/** Beyond tab, and spaces that only some readers take for one. */
const ODD_CHARACTERS = /(?![\t ])[\p{Cc}\p{Zs}\u2028\u2029\ufeff]/u;
/** A line that would name an image, if the comment or gap before it ended the instruction for some reader. */
const HIDDEN = /^\s*(?:onbuild\s+)?(?:from\s|(?:copy|add|run)\s.*--(?:from|mount))/i;
const HERE_DOCUMENT = /(?:^|\s)\d*<<-?[^<]/;

/**
 * Splits a Dockerfile into its instructions as every version of the classic builder does. Where versions differ, or a line
 * could be read in two ways, it is refused: what is judged has to be what is built.
 * @throws AmbiguousRequestError
 */
export function readDockerfile(bytes: Uint8Array): Dockerfile {
  const lines = textOf(bytes)
    .split('\n')
    .map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  lines.forEach((line, at) => {
    if (line.length > MAX_LINE) throw unclear(at, 'is too long');
    if (line.includes('\r') || (!COMMENT.test(line) && ODD_CHARACTERS.test(line)))
      throw unclear(at, 'holds an odd character');
  });
  const ending = continuation(escapeOf(lines));
  const instructions: Instruction[] = [];
  for (let at = 0; at < lines.length; ) {
    if (isNoInstruction(lines[at] ?? '')) at++;
    else {
      const instruction = readInstruction(lines, at, ending);
      instructions.push(instruction);
      at = instruction.end;
    }
  }
  return { lines, instructions };
}

export function unclear(line: number, problem: string): AmbiguousRequestError {
  return new AmbiguousRequestError(
    `content trust: Dockerfile line ${line + 1} ${problem}, so its images cannot be judged`,
  );
}

function textOf(bytes: Uint8Array): string {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  try {
    return decodeUtf8(hasMark ? bytes.subarray(3) : bytes);
  } catch (cause) {
    if (cause instanceof DecodeError) throw new AmbiguousRequestError('a Dockerfile that is not UTF-8', { cause });
    throw cause;
  }
}

function isNoInstruction(line: string): boolean {
  return COMMENT.test(line) || BLANK.test(line);
}

/** The escape character. Its directive counts in the very first lines alone, and there in one spelling here. */
function escapeOf(lines: readonly string[]): string {
  let at = 0;
  while (SYNTAX_DIRECTIVE.test(lines[at] ?? '')) at++;
  const mark = ESCAPE_DIRECTIVE.exec(lines[at] ?? '')?.[1];
  const rest = mark === undefined ? at : at + 1;
  for (let next = rest; next < lines.length && isNoInstruction(lines[next] ?? ''); next++)
    if (/^\s*#\s*escape\s*=/i.test(lines[next] ?? '')) throw unclear(next, 'may or may not choose an escape character');
  return mark ?? '\\';
}

interface Ending {
  /** Whether a line goes on in the next. */
  readonly goesOn: RegExp;
  /** Escapes before the last one: some versions go on then, others do not. */
  readonly unclear: RegExp;
}

function continuation(character: string): Ending {
  const mark = character === '\\' ? '\\\\' : character;
  return { goesOn: new RegExp(`${mark}[ \\t]*$`), unclear: new RegExp(`${mark}[ \\t]*${mark}[ \\t]*$`) };
}

function readInstruction(lines: readonly string[], start: number, ending: Ending): Instruction {
  let text = '';
  let at = start;
  let isAfterGap = false;
  for (let goesOn = true; goesOn && at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (at > start && isNoInstruction(line)) {
      isAfterGap = true;
      continue;
    }
    if (isAfterGap && HIDDEN.test(line)) throw unclear(at, 'continues another and looks like an instruction');
    if (ending.unclear.test(line)) throw unclear(at, 'ends in two escape characters');
    goesOn = ending.goesOn.test(line);
    text += goesOn ? line.replace(ending.goesOn, '') : line;
  }
  const [, keyword = '', rest = ''] = /^[ \t]*([^ \t]*)[ \t]*(.*)$/s.exec(text) ?? [];
  if (text.length > MAX_LINE) throw unclear(start, 'is too long');
  if (!/^[A-Za-z]*$/.test(keyword)) throw unclear(start, 'begins with no instruction');
  const instruction = { keyword: keyword.toLowerCase(), rest: rest.replace(/[ \t]+$/, ''), start, end: at };
  if (takesHereDocuments(instruction) && HERE_DOCUMENT.test(rest)) throw unclear(start, 'has a here document');
  return instruction;
}

function takesHereDocuments({ keyword, rest }: Instruction): boolean {
  const word = keyword === 'onbuild' ? (/^[A-Za-z]*/.exec(rest)?.[0].toLowerCase() ?? '') : keyword;
  return ['run', 'copy', 'add'].includes(word);
}
