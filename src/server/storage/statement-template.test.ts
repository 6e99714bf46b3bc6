// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { CompiledQuery } from 'kysely';
import { StatementTemplate } from './statement-template.ts';

const [gun, role] = [Symbol('gun'), Symbol('role')];
const words = 'select 1 where a = ? and b = ? and c = ?';

test('each value stands wherever its mark stood, and the words stay', () => {
  const template = new StatementTemplate(CompiledQuery.raw(words, [gun, role, gun]), [gun, role]);

  expect(template.fill(['x', 'y'])).toMatchObject({ sql: words, parameters: ['x', 'y', 'x'] });
  expect(template.fill(['z', 'y'])).toMatchObject({ sql: words, parameters: ['z', 'y', 'z'] });
});

test('a statement that holds a value already is no template: it would be asked for that value for ever', () => {
  expect(() => new StatementTemplate(CompiledQuery.raw(words, [gun, role, 'x']), [gun, role])).toThrow('is no mark');
});
