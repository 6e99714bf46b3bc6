// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectories } from '../../../test/support/scratch.ts';
import { makeKey, makeRootKey } from '../../../test/support/test-keys.ts';
import { firstRoot, notaryV1, type PublicKey } from '../../tuf/index.ts';
import { examine, type Finding, Machine } from './index.ts';

const scratch = scratchDirectories();
const NOW = new Date('2026-11-25T12:00:00Z');

/** What doctor finds where a root of these keys was trusted last. */
function found(threshold: number, ...keys: readonly PublicKey[]): Promise<readonly Finding[]> {
  const root = scratch();
  const directory = join(root, 'trust/tuf/example.com/app/metadata');
  mkdirSync(directory, { recursive: true });
  const other = makeKey().listed;
  const first = firstRoot({ root: keys, targets: [other], snapshot: [other], timestamp: [other] }, NOW);
  const role = { keyIds: first.roles.get('root')?.keyIds ?? [], threshold };
  const signedBytes = notaryV1.encodeSigned({ ...first, roles: new Map(first.roles).set('root', role) });
  writeFileSync(join(directory, 'root.json'), notaryV1.encode({ signedBytes, signatures: [] }));
  const silent = { ask: async () => undefined, serverTime: async () => undefined };
  const places = { trustDirectory: join(root, 'trust'), dockerConfig: join(root, 'docker') };
  return examine(new Machine({ root, env: {}, now: NOW, ...places, ...silent }));
}

/** A root key whose certificate ends ten years after this day. */
async function made(day: string): Promise<PublicKey> {
  return (await makeRootKey('example.com/app', new Date(day))).listed;
}

describe('doctor on certificates of root keys, while the root itself holds', () => {
  test('one that ends within a month is told before it does', async () => {
    expect(await found(1, await made('2016-12-10'))).toMatchObject([
      { id: 'root-certificate-expires', severity: 'warning', subject: 'example.com/app root' },
    ]);
    expect((await found(1, await made('2016-12-10')))[0]?.message).toMatch(/expires 2026-12-\d\d: .* from then on$/);
    expect((await found(1, await made('2015-12-10')))[0]?.message).toMatch(/expired 2025-12-\d\d: .* refused$/);
    expect(await found(1, await made('2026-01-01'))).toEqual([]);
  });

  test('what counts is when fewer of them hold than have to sign', async () => {
    const [soon, later] = [await made('2016-12-10'), await made('2026-01-01')];
    expect(await found(1, soon, later)).toEqual([]);
    expect(await found(2, soon, later)).toHaveLength(1);
  });
});
