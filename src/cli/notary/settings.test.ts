// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectories } from '../../../test/support/scratch.ts';
import type { Io } from '../io.ts';
import { FlagValues } from './command-line.ts';
import { NotaryError } from './errors.ts';
import { loadSettings } from './settings.ts';

const fresh = scratchDirectories();

function homeWith(config: unknown): string {
  const home = fresh();
  mkdirSync(join(home, '.notary'));
  writeFileSync(join(home, '.notary', 'config.json'), JSON.stringify(config));
  return home;
}

const pinningIn = (home: string) =>
  loadSettings({ env: { HOME: home } } as unknown as Io, new FlagValues(new Map())).pinning;
const isFirstUse = (disable_tofu: unknown) => pinningIn(homeWith({ trust_pinning: { disable_tofu } })).trustOnFirstUse;

describe('trust_pinning of the configuration', () => {
  test('turns first use off in every spelling that a reader may take for true', () => {
    for (const on of [true, 'true', 'TRUE', 't', '1', 1]) expect([on, isFirstUse(on)]).toEqual([on, false]);
    for (const off of [false, null, 'false', 'F', '0', 0]) expect([off, isFirstUse(off)]).toEqual([off, true]);
    for (const neither of ['yes', 'ture', '', [], {}]) expect(() => isFirstUse(neither)).toThrow(NotaryError);
  });

  test('that is of another form is an error, and not none', () => {
    for (const trust_pinning of [[], 'x', 1, { certs: ['x'] }, { certs: 'x' }, { ca: ['x'] }, { ca: true }])
      expect(() => pinningIn(homeWith({ trust_pinning }))).toThrow(NotaryError);
    expect(pinningIn(homeWith({ trust_pinning: null })).trustOnFirstUse).toBe(true);
  });

  test('S28 is not passed over where the file is a link to nowhere', () => {
    const home = fresh();
    expect(pinningIn(home).trustOnFirstUse).toBe(true);
    mkdirSync(join(home, '.notary'));
    symlinkSync('/nonexistent/config.json', join(home, '.notary', 'config.json'));
    expect(() => pinningIn(home)).toThrow(NotaryError);
    const other = fresh();
    writeFileSync(join(other, '.notary'), '');
    expect(() => pinningIn(other)).toThrow(NotaryError);
  });
});
