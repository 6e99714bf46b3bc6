// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';

/** One change of a body; places are taken modulo its length. */
export type Mutation =
  | { readonly kind: 'set'; readonly at: number; readonly byte: number }
  | { readonly kind: 'cut'; readonly at: number; readonly length: number }
  | { readonly kind: 'repeat'; readonly at: number; readonly length: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly at: number }
  | { readonly kind: 'name'; readonly which: number; readonly bytes: Uint8Array }
  | { readonly kind: 'text'; readonly from: string; readonly to: string };

const place = fc.nat(20_000);
const bytes = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 12 }),
  fc.constantFrom('\r\n', '\r\n\r\n', '--', '"', '\\', '\0', '{', '[', '\ud800', 'é').map((text) => Buffer.from(text)),
);
/** Names of parts: paths, escapes, what is no text, what is too long. */
const name = fc.constantFrom(
  ...[
    '',
    '/',
    '.',
    '..',
    '../root',
    '../../etc/passwd',
    'targets/../../x',
    '/targets',
    'targets/',
    'targets//x',
    'C:\\targets',
  ],
  ...[
    'root',
    'targets',
    'snapshot',
    'timestamp',
    'root.json',
    'targets.json.json',
    'targets/a',
    'targets/releases',
    'Targets',
    'x',
  ],
  ...[
    '%2e%2e%2f',
    'targets\0x',
    'targets\r\nX: y',
    'targets";x="',
    '__proto__',
    'é',
    '\u202e',
    'a'.repeat(20_000),
    `targets${'/a'.repeat(600)}`,
  ],
);

export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), at: place, byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('cut' as const), at: place, length: fc.nat(300) }),
  fc.record({ kind: fc.constant('repeat' as const), at: place, length: fc.nat(2000) }),
  fc.record({ kind: fc.constant('insert' as const), at: place, bytes }),
  fc.record({ kind: fc.constant('end' as const), at: place }),
  fc.record({
    kind: fc.constant('name' as const),
    which: fc.nat(3),
    bytes: fc.oneof(
      name.map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 20 }),
    ),
  }),
  fc
    .constantFrom(
      ...([
        ['form-data', 'attachment'],
        ['filename=', 'filename*=UTF-8'],
        ['filename=', 'name='],
        ['Content-Disposition', 'X'],
      ] as const),
      ...([
        ['\r\n', '\n'],
        ['"version":', '"version":1e'],
        ['"expires":"2', '"expires":"0'],
        ['"_type"', '"__proto__"'],
      ] as const),
      ...([
        ['"keys":{', '"keys":{"a":{},'],
        ['[', '[null,'],
        ['"sig":"', '"sig":"!'],
        ['true', '"true"'],
        ['{', '{"a":'],
        [':', '::'],
      ] as const),
    )
    .map(([from, to]) => ({ kind: 'text', from, to }) as const),
);

export function mutated(body: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
  return mutations.reduce<Buffer>((bytes, change) => applied(bytes, change), Buffer.from(body));
}

function applied(body: Buffer, change: Mutation): Buffer {
  const at = 'at' in change ? change.at % (body.length + 1) : 0;
  switch (change.kind) {
    case 'set':
      return Buffer.concat([body.subarray(0, at), Buffer.of(change.byte), body.subarray(at + 1)]);
    case 'cut':
      return Buffer.concat([body.subarray(0, at), body.subarray(at + change.length)]);
    case 'repeat':
      return Buffer.concat([body.subarray(0, at + change.length), body.subarray(at)]);
    case 'insert':
      return Buffer.concat([body.subarray(0, at), change.bytes, body.subarray(at)]);
    case 'end':
      return body.subarray(0, at);
    case 'name':
      return renamed(body, change.which, change.bytes);
    case 'text':
      return Buffer.from(body.toString('latin1').replace(change.from, change.to), 'latin1');
    default:
      return change satisfies never;
  }
}

/** Gives one part another file name. */
function renamed(body: Buffer, which: number, bytes: Uint8Array): Buffer {
  const mark = 'filename="';
  let start = body.indexOf(mark);
  for (let left = which; left > 0 && start >= 0; left--) start = body.indexOf(mark, start + 1);
  if (start < 0) return body;
  const end = body.indexOf('"', start + mark.length);
  return Buffer.concat([body.subarray(0, start + mark.length), bytes, body.subarray(end)]);
}
