// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { GUN, NOW } from '../../../../test/support/repository-simulator.ts';
import { makeKey, makeRootKey } from '../../../../test/support/test-keys.ts';
import { decodePem, decodeUtf8 } from '../../../encoding/index.ts';
import { firstRoot } from '../../edit.ts';
import { readCertificate } from './certificate.ts';
import { rootKeys } from './root-keys.ts';

const DAY = 86_400_000;

test('a root certificate counts from one day before its start to the very moment of its end', async () => {
  const { listed } = await makeRootKey(GUN, NOW);
  const { notBefore, notAfter } = readCertificate(decodePem(decodeUtf8(listed.bytes))[0]?.bytes ?? new Uint8Array());
  const other = makeKey().listed;
  const root = firstRoot({ root: [listed], targets: [other], snapshot: [other], timestamp: [other] }, NOW);
  const counts = (time: number) => rootKeys(root, GUN, new Date(time)).size === 1;

  expect([counts(notBefore.getTime() - DAY - 1), counts(notBefore.getTime() - DAY)]).toEqual([false, true]);
  expect([counts(notAfter.getTime()), counts(notAfter.getTime() + 1)]).toEqual([true, false]);
});
