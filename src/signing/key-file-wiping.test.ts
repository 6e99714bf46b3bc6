// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { sealKey } from './key-file.ts';
import { PrivateKey } from './private-key.ts';

test('S5 what was encoded to be encrypted is wiped, whether it comes to that or not', async () => {
  const key = PrivateKey.generate();
  const encode = key.encode.bind(key);
  const seen: Uint8Array[] = [];
  key.encode = () => {
    const plain = encode();
    seen.push(plain);
    return plain;
  };

  await sealKey(key, { role: 'root' }, 'a passphrase of a test');
  await sealKey(key, { role: 'root\n' }, 'a passphrase of a test').catch(() => undefined);

  expect(seen).toHaveLength(2);
  for (const plain of seen) {
    expect(plain.length).toBeGreaterThan(100);
    expect(plain.every((byte) => byte === 0)).toBe(true);
  }
});
