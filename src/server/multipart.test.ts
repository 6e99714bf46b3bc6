// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { parseMultipart } from './multipart.ts';
import { TrustProblem } from './problems.ts';

const TYPE = 'multipart/form-data; boundary=b0';

function parse(body: string, type: string | null = TYPE, maxParts = 10) {
  const parts = parseMultipart(type, Buffer.from(body, 'latin1'), maxParts);
  return parts.map(({ fileName, bytes }) => [fileName, Buffer.from(bytes).toString('latin1')]);
}

function code(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof TrustProblem) return error.code;
    throw error;
  }
  return 'none';
}

const part = (headers: string, content: string) => `--b0\r\n${headers}\r\n\r\n${content}\r\n`;
const named = (name: string) => `Content-Disposition: form-data; name="files"; filename="${name}"`;

describe('parseMultipart', () => {
  test('the file name keeps its slashes', () => {
    expect(parse(`${part(named('targets/releases'), '{}')}--b0--\r\n`)).toEqual([['targets/releases', '{}']]);
  });

  test('parts come in their order, byte for byte, line ends and zero bytes included', () => {
    const content = '\r\n\0\xff--b0x\r\n--b0y';
    expect(parse(`${part(named('a'), content)}${part(named('b'), '')}--b0--`)).toEqual([
      ['a', content],
      ['b', ''],
    ]);
  });

  test('a body without parts is legal', () => {
    expect(parse('--b0--\r\n')).toEqual([]);
    expect(parse('--b0--')).toEqual([]);
  });

  test('preamble, epilogue and blanks after a boundary are passed over', () => {
    expect(parse(`hello\r\n--b0 \t\r\n${named('a')}\r\n\r\nx\r\n--b0--\r\nbye`)).toEqual([['a', 'x']]);
  });

  test('header names, quoting and order of parameters may differ', () => {
    expect(parse(`${part('content-disposition: form-data; FileName=root', '')}--b0--`)).toEqual([['root', '']]);
    expect(parse(`${part('Content-Disposition: form-data; filename="a\\"b"', '')}--b0--`)).toEqual([['a"b', '']]);
    expect(parse('--x y\r\n\r\n1\r\n--x y--', 'Multipart/Mixed; charset=utf-8; boundary="x y"')).toEqual([
      [undefined, '1'],
    ]);
  });

  test('a part that names no file has none', () => {
    expect(parse(`${part('Content-Type: text/plain', 'x')}--b0--`)).toEqual([[undefined, 'x']]);
    expect(parse(`${part(named(''), 'x')}--b0--`)).toEqual([['', 'x']]);
    expect(parse('--b0\r\n\r\nx\r\n--b0--')).toEqual([[undefined, 'x']]);
  });

  test.each([
    ['no content type', '--b0--', null],
    ['another type', '--b0--', 'application/json'],
    ['no boundary', '--b0--', 'multipart/form-data'],
    ['an empty boundary', '--b0--', 'multipart/form-data; boundary=""'],
    ['a boundary over 70 characters', '--b0--', `multipart/form-data; boundary=${'b'.repeat(71)}`],
    ['an empty body', '', TYPE],
    ['another boundary', '--other--', TYPE],
    ['a truncated part', `${part(named('a'), 'x')}`, TYPE],
    ['a part without end of headers', '--b0\r\nContent-Disposition: x\r\n--b0--', TYPE],
  ])('malformed: %s', (_, body, type) => {
    expect(code(() => parse(body, type))).toBe('MALFORMED_UPLOAD');
  });

  test('S23 too many parts, or endless headers, are cut off', () => {
    expect(code(() => parse(`${part(named('a'), '').repeat(11)}--b0--`))).toBe('TOO_LARGE');
    expect(code(() => parse(`${part(`X: ${'x'.repeat(20_000)}`, '')}--b0--`))).toBe('MALFORMED_UPLOAD');
  });

  test('any bytes give parts or a typed error (S22)', () => {
    const pieces = fc.constantFrom('--b0', '--b0--', '\r\n', '\r\n\r\n', named('a'), 'x', '"', '\\', ';', ' ');
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (body) => {
        const result = code(() => parse(body.join('')));
        expect(['none', 'MALFORMED_UPLOAD', 'TOO_LARGE']).toContain(result);
      }),
      { numRuns: 300 },
    );
  });
});
