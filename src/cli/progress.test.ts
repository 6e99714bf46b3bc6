// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { ProgressDisplay } from './progress.ts';

test('words of an engine or registry neither command the terminal nor turn the direction of text', () => {
  for (const isTerminal of [true, false]) {
    let shown = '';
    const write = (content: string | Uint8Array) => {
      shown += content;
    };
    const { show } = new ProgressDisplay({ write, isTerminal, columns: 80 });
    show({ id: 'a\u202eb', status: 'c\u009b2Kd\u2028e' });
    show({ status: 'f\u202eg' });

    expect(shown).toContain('a b: c 2Kd e');
    expect(shown).toContain('f g\n');
  }
});
