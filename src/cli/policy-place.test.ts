// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectories } from '../../test/support/scratch.ts';
import { PolicyError } from '../policy/index.ts';
import type { Io } from './io.ts';
import { policyInForce } from './policy-in-force.ts';
import { policyPath } from './policy-place.ts';

const fresh = scratchDirectories();
const here = { env: {} } as unknown as Io;

describe('the policy in force', () => {
  test('is that of the trust directory, if there is one', () => {
    const trustDir = fresh();
    expect(policyPath(here, { trustDir })).toBeUndefined();
    mkdirSync(join(trustDir, 'hallmark'));
    expect(policyPath(here, { trustDir })).toBeUndefined();
    const place = join(trustDir, 'hallmark', 'policy.yaml');
    writeFileSync(place, 'version: 1\n', { mode: 0o600 });
    expect(policyPath(here, { trustDir })).toBe(place);
  });

  test('S28 one that is there and cannot be read is an error, and not none: a link to nowhere, a circle', () => {
    const [one, two] = [fresh(), fresh()];
    mkdirSync(join(one, 'hallmark'));
    symlinkSync('/nonexistent/policy.yaml', join(one, 'hallmark', 'policy.yaml'));
    symlinkSync('hallmark', join(two, 'hallmark'));
    for (const trustDir of [one, two]) expect(() => policyInForce(here, { trustDir })).toThrow(PolicyError);
  });
});
