// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { multipart } from '../support/trust-stage.ts';
import { type Mutation, mutated, mutation } from './mutation.ts';

/** A request as data, so that a failing one can be shown and sent again. */
export interface GeneratedRequest {
  readonly method: string;
  /** Path and query, as they are written. */
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: GeneratedBody;
}

/** What is sent: nothing, some bytes, or a real update changed here and there. */
export type GeneratedBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'update'; readonly which: 'next' | 'old' | 'empty'; readonly mutations: readonly Mutation[] };

export const GUN = 'example.com/app';

const odd = fc.constantFrom(
  ...[
    '',
    '.',
    '..',
    '*',
    ' ',
    '%20',
    '%00',
    '%ff',
    '%2f',
    '%2F..%2f',
    '%5c',
    '%',
    '%e9',
    '%C3%A9',
    '%25',
    'é',
    '日',
    '😀',
  ],
  ...[
    '__proto__',
    'constructor',
    'a'.repeat(300),
    'a/'.repeat(400),
    'x\\y',
    '"',
    "'",
    '<script>',
    ';',
    ':',
    '@',
    '{',
    '|',
    '~',
  ],
);
const known = fc.constantFrom(
  ...[
    'v2',
    '_trust',
    'tuf',
    'changefeed',
    GUN,
    'example.com',
    'app',
    'auth',
    'token',
    '_notary_server',
    'health',
    'metrics',
  ],
  ...[
    'root.json',
    'targets.json',
    'snapshot.json',
    'timestamp.json',
    '1.root.json',
    '0.root.json',
    'targets/releases.json',
  ],
  ...['timestamp.key', 'snapshot.key', 'root.key', `root.${'0'.repeat(64)}.json`, `${'9'.repeat(40)}.root.json`, ''],
);
const anyPath = fc
  .array(fc.oneof({ weight: 3, arbitrary: known }, { weight: 1, arbitrary: odd }), { maxLength: 9 })
  .map((parts) => `/${parts.join('/')}`);
const file = fc.oneof(known, odd, fc.string({ unit: 'binary-ascii', maxLength: 12 }).map(encodeURIComponent));
const gun = fc.oneof(
  { weight: 4, arbitrary: fc.constant(GUN) },
  { weight: 1, arbitrary: odd },
  {
    weight: 1,
    arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => encodeURIComponent(text.toWellFormed())),
  },
);
const nearPath = fc.tuple(gun, file).map(([name, what]) => `/v2/${name}/_trust/tuf/${what}`);
const feedPath = fc
  .tuple(
    fc.constantFrom('/v2/_trust/changefeed', `/v2/${GUN}/_trust/changefeed`),
    fc.array(fc.constantFrom('1', '-1', '0', '1e3', '99999999999', '-2147483648', 'x', '', '%00', '９'), {
      maxLength: 2,
    }),
  )
  .map(([path, [records, id]]) => `${path}?records=${records ?? ''}${id === undefined ? '' : `&change_id=${id}`}`);
const query = fc.constantFrom(
  '',
  '',
  '',
  '?',
  '?x=1',
  '?%ff',
  `?${'q'.repeat(500)}`,
  '?scope=repository:a:pull&scope=x',
);

const method = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('GET', 'POST', 'DELETE') },
  { weight: 1, arbitrary: fc.constantFrom('PUT', 'HEAD', 'PATCH', 'OPTIONS', 'PROPFIND', 'QUERY', 'get', 'X') },
);
const BOUNDARY_TYPE = multipart([]).headers['Content-Type'];
const header = fc.oneof(
  fc.tuple(
    fc.constant('content-type'),
    fc.constantFrom(
      ...[BOUNDARY_TYPE, 'application/json', 'text/plain', 'multipart/form-data', 'multipart/form-data; boundary=', ''],
      ...[
        'multipart/mixed; boundary="a b"',
        `multipart/form-data; boundary=${'b'.repeat(71)}`,
        'multipart/form-data;boundary',
      ],
      ...[
        'multipart/form-data; boundary=x; boundary=y',
        `${BOUNDARY_TYPE}; charset=utf-8`,
        `multipart/form-data;${' '.repeat(3000)}x=y`,
      ],
    ),
  ),
  fc.tuple(fc.constant('content-encoding'), fc.constantFrom('gzip', 'deflate', 'br', 'identity', 'x', 'gzip, gzip')),
  fc.tuple(
    fc.constant('transfer-encoding'),
    fc.constantFrom('chunked', 'gzip', 'identity', 'chunked, chunked', 'xchunked'),
  ),
  fc.tuple(fc.constant('content-length'), fc.constantFrom('0', '-1', '99999999999', '1e9', 'x', ' 5', '5, 5')),
  fc.tuple(
    fc.constant('authorization'),
    fc.constantFrom(
      'Bearer',
      'Bearer a.b.c',
      `Bearer ${'x'.repeat(20_000)}`,
      'Basic',
      'Basic YTpi',
      'Basic ===',
      'Negotiate x',
      'é',
    ),
  ),
  fc.tuple(
    fc.constantFrom('accept-encoding', 'expect', 'range', 'if-none-match', 'x-forwarded-for', 'x-http-method-override'),
    fc.constantFrom('*', 'DELETE', '100-continue', 'bytes=0-', 'gzip;q=0'),
  ),
);

const body: fc.Arbitrary<GeneratedBody> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ kind: 'none' } as const) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => ({ kind: 'bytes', bytes }) as const) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('update' as const),
      which: fc.constantFrom('next' as const, 'next' as const, 'old' as const, 'empty' as const),
      mutations: fc.array(mutation, { maxLength: 3 }),
    }),
  },
);

const anything: fc.Arbitrary<GeneratedRequest> = fc.record({
  method,
  path: fc
    .tuple(fc.oneof(anyPath, nearPath, feedPath), query)
    .map(([path, rest]) => (path.includes('?') ? path : path + rest)),
  headers: fc.array(header, { maxLength: 3 }),
  body,
});

/** An update of the real collection, nearly or wholly right. */
const update: fc.Arbitrary<GeneratedRequest> = fc.record({
  method: fc.constant('POST'),
  path: fc.constant(`/v2/${GUN}/_trust/tuf/`),
  headers: fc
    .tuple(fc.boolean(), fc.array(header, { maxLength: 1 }))
    .map(([replace, more]) =>
      replace ? more : [['content-type', BOUNDARY_TYPE] as const, ...more.filter(([name]) => name !== 'content-type')],
    ),
  body,
});

export const request: fc.Arbitrary<GeneratedRequest> = fc.oneof(anything, update);

/** The bytes of a body, given the updates that are right at the moment. */
export function bytesOf(
  from: GeneratedBody,
  updates: Readonly<Record<'next' | 'old' | 'empty', Uint8Array>>,
): Uint8Array | undefined {
  if (from.kind === 'none') return undefined;
  return from.kind === 'bytes' ? from.bytes : mutated(updates[from.which], from.mutations);
}
