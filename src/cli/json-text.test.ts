// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { jsonText } from './json-text.ts';
import { oneLine } from './one-line.ts';

test('property: an answer for programs says what it is given, and nothing in it commands the terminal', () => {
  const text = fc.string({ unit: 'binary' });
  const odd = fc.constantFrom('\u009b2K', '\u202e', '\u2028', '\u{e0001}', '\ud800', '\n', '');
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), text, odd, fc.constantFrom(0, 2), (value, name, end, indent) => {
      const given = { [name + end]: [value, name, end] };
      const shown = jsonText(given, indent);
      expect(JSON.parse(shown)).toEqual(JSON.parse(JSON.stringify(given)));
      expect(shown.split('\n').map(oneLine)).toEqual(shown.split('\n'));
      if (indent === 0) expect(shown.indexOf('\n')).toBe(shown.length - 1);
    }),
  );
});
