// SPDX-License-Identifier: Apache-2.0
import { decodeJson, encodeCanonicalJson } from '../../src/encoding/index.ts';
import { copyTree, mutateTree } from '../support/json-tree.ts';
import type { Random } from '../support/random.ts';

const MAX_INPUT_BYTES = 1 << 17;
const ODD_TOKENS = [
  '{',
  '}',
  '[',
  ']',
  '[[[[[[[[',
  '{"a":',
  '"',
  '\\',
  '\\u0000',
  '\\ud800',
  ':',
  ',',
  'null',
  '-0',
  '1e308',
  '1e400',
  '0.5',
  '9007199254740993',
  '9223372036854775808',
  '"__proto__"',
  '"constructor"',
  '-----BEGIN ',
  '-----END ',
  '-----',
  '\r\n',
  '\n\n',
  '\t',
  '\ufeff',
  '\u2028',
  '%2e%2e',
  '../',
  '\u0000',
  '=',
  '@sha256:',
  '😀',
];
const TOKEN = /"(?:[^"\\]|\\.)*"|[A-Za-z0-9_]+|[^A-Za-z0-9_\s"]|\s+/g;
const ODD_BYTES = [0, 1, 0x7f, 0x80, 0x81, 0x84, 0xff, 0x30, 0x02, 0x22, 0x5c];

type Mutation = (input: Uint8Array, random: Random, others: readonly Uint8Array[]) => Uint8Array;

/** A few changes of an input, one upon the other. */
export function mutate(input: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  let mutant = input;
  for (let left = random.pick([1, 1, 1, 2, 3, 5]); left > 0; left--)
    mutant = random.pick(MUTATIONS)(mutant, random, others);
  return mutant.subarray(0, MAX_INPUT_BYTES);
}

const MUTATIONS: readonly Mutation[] = [bit, byte, removed, doubled, inserted, spliced, token, token, tree, tree, tree];

function bit(input: Uint8Array, random: Random): Uint8Array {
  if (input.length === 0) return input;
  const at = random.below(input.length);
  return input.with(at, (input[at] as number) ^ (1 << random.below(8)));
}

function byte(input: Uint8Array, random: Random): Uint8Array {
  if (input.length === 0) return input;
  return input.with(random.below(input.length), random.chance(0.5) ? random.pick(ODD_BYTES) : random.below(256));
}

/** A stretch of the input, short more often than long. */
function stretch(input: Uint8Array, random: Random): readonly [from: number, to: number] {
  const from = random.below(input.length + 1);
  const length = random.below(random.pick([2, 8, 64, input.length + 1]));
  return [from, Math.min(input.length, from + length)];
}

function removed(input: Uint8Array, random: Random): Uint8Array {
  const [from, to] = stretch(input, random);
  return bytes(input.subarray(0, from), input.subarray(to));
}

function doubled(input: Uint8Array, random: Random): Uint8Array {
  const [from, to] = stretch(input, random);
  const times = random.pick([1, 1, 2, 100]);
  const part = input.subarray(from, to);
  return bytes(input.subarray(0, to), ...Array.from({ length: times }, () => part), input.subarray(to));
}

function inserted(input: Uint8Array, random: Random): Uint8Array {
  const at = random.below(input.length + 1);
  return bytes(input.subarray(0, at), Buffer.from(random.pick(ODD_TOKENS)), input.subarray(at));
}

function spliced(input: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  const other = random.pick(others);
  const [from, to] = stretch(other, random);
  const at = random.below(input.length + 1);
  return bytes(
    input.subarray(0, at),
    other.subarray(from, to),
    random.chance(0.5) ? input.subarray(at) : new Uint8Array(),
  );
}

/** A token of a text goes, comes twice, or gives its place to another. */
function token(input: Uint8Array, random: Random): Uint8Array {
  const text = Buffer.from(input).toString('utf8');
  const tokens = text.match(TOKEN) ?? [];
  if (tokens.length === 0) return input;
  const at = random.below(tokens.length);
  const by = random.pick([[], [tokens[at], tokens[at]], [random.pick(tokens)], [random.pick(ODD_TOKENS)]]);
  return bytes(Buffer.from([...tokens.slice(0, at), ...by, ...tokens.slice(at + 1)].join('')));
}

/** Where the input is JSON, one change of its tree; else of its bytes. */
function tree(input: Uint8Array, random: Random): Uint8Array {
  try {
    const document = copyTree(decodeJson(input));
    if (!(document instanceof Map) && !Array.isArray(document)) return token(input, random);
    mutateTree(document, random);
    return encodeCanonicalJson(document);
  } catch {
    // no JSON, or JSON that has no canonical form, or an empty tree: any of them is as good an input as another
    return random.chance(0.5) ? token(input, random) : byte(input, random);
  }
}

function bytes(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
