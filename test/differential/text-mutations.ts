// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '../../src/encoding/index.ts';
import type { Random } from '../support/random.ts';

interface Mutated {
  readonly bytes: Uint8Array;
  readonly label: string;
}

/** A string, a number, a literal or a mark of JSON. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+|true|false|null|[[\]{},:]/g;

/** One change of a file as text or bytes, from harmless spelling to garbage. */
export function mutateText(file: Uint8Array, random: Random): Mutated {
  const text = new TextDecoder().decode(file);
  const change = random.pick([onBytes, onWhole, onWhole, onToken, onToken, onToken, onMember, onMember]);
  return change(text, file, random);
}

function asText(label: string, text: string): Mutated {
  return { label, bytes: encodeUtf8(text) };
}

function onBytes(_: string, file: Uint8Array, random: Random): Mutated {
  if (file.length === 0) return { label: 'nothing left', bytes: file };
  const at = random.below(file.length);
  const cut = random.below(3);
  if (cut === 0) return { label: 'cut off', bytes: file.subarray(0, at) };
  if (cut === 1) return { label: 'a bit flipped', bytes: file.with(at, (file[at] as number) ^ (1 << random.below(8))) };
  return { label: 'an ill-formed byte', bytes: file.with(at, 0xff) };
}

function onWhole(text: string, _: Uint8Array, random: Random): Mutated {
  const choices: readonly (readonly [string, string])[] = [
    ['empty', ''],
    ['null', 'null'],
    ['an empty object', '{}'],
    ['a BOM before', `\ufeff${text}`],
    ['space around', ` ${text}\n`],
    ['a newline behind', `${text}\n`],
    ['bytes behind', `${text}x`],
    ['a second document', `${text}${text}`],
    ['indented', text.replaceAll(/([{,])"/g, '$1\n  "')],
    ['an unknown field at the top', text.replace(/\}$/, ',"x":1}')],
    ['Signed for signed', text.replace('"signed"', '"Signed"')],
    ['SIGNATURES for signatures', text.replace('"signatures"', '"SIGNATURES"')],
    ['signed twice', text.replace(/^\{/, '{"signed":{"_type":"Root","version":9},')],
    ['signatures twice', text.replace(/\}$/, ',"signatures":[]}')],
    ['signatures null', text.replace(/"signatures":\[.*\]\}$/s, '"signatures":null}')],
    [
      'signatures before signed',
      text.replace(/^\{"signed":(.*),"signatures":(\[.*\])\}$/s, '{"signatures":$2,"signed":$1}'),
    ],
  ];
  const [label, changed] = random.pick(choices);
  return asText(label, changed);
}

/** A token in another spelling of the same, or in the place of another. */
function onToken(text: string, _: Uint8Array, random: Random): Mutated {
  const tokens = [...text.matchAll(TOKEN)];
  const kind = random.pick(['"', 'number', 'any', 'drop']);
  const fitting = tokens.filter(
    ([token]) => kind === 'any' || kind === 'drop' || /^-?\d/.test(token) === (kind === 'number'),
  );
  const token = random.pick(fitting.length === 0 ? tokens : fitting);
  const [was] = token;
  const put = (by: string) => text.slice(0, token.index) + by + text.slice((token.index ?? 0) + was.length);
  if (kind === 'drop') return asText('a token dropped', put(''));
  if (kind === 'number') {
    const [what, by] = random.pick([
      ['.0', `${was}.0`],
      ['e0', `${was}e0`],
      ['leading zero', `0${was}`],
      ['plus', `+${was}`],
      ['as a string', `"${was}"`],
      ['2^53', '9007199254740992'],
      ['2^63', '9223372036854775808'],
      ['fraction', '1.5'],
      ['minus zero', '-0'],
    ] as const);
    return asText(`number ${what}`, put(by));
  }
  if (kind === 'any' || !was.startsWith('"')) return asText('a token of another', put(random.pick(tokens)[0]));
  const inner = was.slice(1, -1);
  const first = inner.charCodeAt(0);
  const escaped = Number.isNaN(first) ? '' : `\\u${first.toString(16).padStart(4, '0')}${inner.slice(1)}`;
  const [what, by] = random.pick([
    ['escaped', `"${escaped}"`],
    ['with an escape that is none', `"\\x${inner}"`],
    ['with a raw newline', `"${inner}\n"`],
    ['with a lone surrogate', `"${inner}\\ud800"`],
    ['with NUL', `"${inner}\\u0000"`],
    ['in single quotes', `'${inner}'`],
    ['not closed', `"${inner}`],
  ] as const);
  return asText(`string ${what}`, put(by));
}

/** A member of an object that is there twice: Go takes the last. */
function onMember(text: string, _: Uint8Array, random: Random): Mutated {
  const members = [...text.matchAll(/"([a-z_]+)":("[^"]*"|\d+|null|true|false)/g)];
  const member = random.pick(members);
  const [whole, name] = member as unknown as [string, string];
  const odd = random.pick(['null', '0', '"x"', '[]', '{}', '99']);
  const [what, by] = random.pick([
    ['twice, the good one last', `"${name}":${odd},${whole}`],
    ['twice, the good one first', `${whole},"${name}":${odd}`],
    ['twice the same', `${whole},${whole}`],
    ['again in upper case, last', `${whole},"${name.toUpperCase()}":${odd}`],
    ['again in upper case, first', `"${name.toUpperCase()}":${odd},${whole}`],
    [
      'again with an escape in its name',
      `"\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}":${odd},${whole}`,
    ],
  ] as const);
  return asText(`member ${what}`, text.slice(0, member.index) + by + text.slice((member.index ?? 0) + whole.length));
}
