// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { DecodeError } from './errors.ts';
import { decodePem, encodePem } from './pem.ts';

const block = (label: string, ...lines: readonly string[]) =>
  [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');

describe('decodePem', () => {
  test('reads blocks in order, with text between them passed over', () => {
    const text = `note\n${block('A', 'AAAA')}between\n${block('B C', 'AAAA', 'AAA=')}after`;

    expect(decodePem(text).map(({ label, bytes }) => [label, bytes.length])).toEqual([
      ['A', 3],
      ['B C', 5],
    ]);
    expect(decodePem('')).toEqual([]);
    expect(decodePem('no block')).toEqual([]);
  });

  test('reads headers, CRLF lines, blanks at line ends and lines of any width', () => {
    const [found] = decodePem(
      block('KEY', 'Proc-Type: 4,ENCRYPTED', 'role:  root ', '', 'AA AA', 'AAAA\t').replaceAll('\n', '\r\n'),
    );

    expect(found?.headers).toEqual(
      new Map([
        ['Proc-Type', '4,ENCRYPTED'],
        ['role', 'root'],
      ]),
    );
    expect(found?.bytes).toEqual(new Uint8Array(6));
  });

  test('refuses a block without end, with another end, or with bad base64', () => {
    for (const text of [
      '-----BEGIN A-----\nAAAA\n',
      `-----BEGIN A-----\n${block('B', 'AAAA')}`,
      block('A', 'AAA'),
      block('A', '*'),
      block('A', 'AAB='),
      '-----BEGIN A-----',
    ])
      expect(() => decodePem(text)).toThrow(DecodeError);
  });

  test('S23 a text of very many blocks is read in linear time', () => {
    expect(decodePem(block('A').repeat(100_000))).toHaveLength(100_000);
  });

  test('S22 any text gives blocks or a DecodeError', () => {
    const piece = fc.constantFrom(
      '-----BEGIN A-----',
      '-----END A-----',
      '\n',
      '\r\n',
      'AAAA',
      '=',
      'a: b',
      ' ',
      '-----',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        try {
          decodePem(pieces.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('encodePem', () => {
  test('writes 64 columns, a final newline, and headers as Go does', () => {
    const headers = new Map([
      ['role', 'root'],
      ['gun', 'x'],
      ['Proc-Type', '4,ENCRYPTED'],
    ]);
    const text = encodePem({ label: 'KEY', headers, bytes: new Uint8Array(50) });

    expect(text).toBe(block('KEY', 'Proc-Type: 4,ENCRYPTED', 'gun: x', 'role: root', '', 'A'.repeat(64), 'AAA='));
  });

  test('is read again as it was', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, labelled) => {
        const headers = new Map(labelled ? [['role', 'root']] : []);
        expect(decodePem(encodePem({ label: 'KEY', headers, bytes }))).toEqual([{ label: 'KEY', headers, bytes }]);
      }),
    );
  });
});
