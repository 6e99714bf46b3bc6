// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { refused } from '../../test/support/refusals.ts';
import { GUN, NOW } from '../../test/support/repository-simulator.ts';
import { recordedKey, recordedPem } from '../../test/support/test-keys.ts';
import { decodePem } from '../encoding/index.ts';
import { readCertificate } from '../tuf/index.ts';
import { choosePin } from './pinning.ts';

function pinned(authorities: readonly string[], now = NOW) {
  const ca = new Map([['*', authorities.map(recordedPem).join('')]]);
  return choosePin({ ca, trustOnFirstUse: true }, GUN, now);
}

describe('S26 a pinned authority', () => {
  test('counts from the moment of its start to that of its end', () => {
    const { notBefore, notAfter } = readCertificate(decodePem(recordedPem('authority'))[0]?.bytes ?? new Uint8Array());
    const UNMET = { name: 'VerificationError', code: 'unmet-pin' };

    for (const moment of [notBefore, notAfter]) expect(pinned(['authority'], moment).kind).toBe('ca');
    for (const time of [notBefore.getTime() - 1, notAfter.getTime() + 1])
      refused(() => pinned(['authority'], new Date(time)), UNMET);
  });

  test('need not be the only one: a leaf of one of them is admitted, a leaf of none is not', () => {
    for (const order of [
      ['authority', 'stranger'],
      ['stranger', 'authority'],
    ])
      expect(pinned(order).admits(recordedKey('by-authority').listed)).toBe(true);
    expect(pinned(['stranger']).admits(recordedKey('by-authority').listed)).toBe(false);
  });
});
