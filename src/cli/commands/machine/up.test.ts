// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { exposureWarning } from './up.ts';

test('listening where others can reach is warned of, loopback is not', () => {
  for (const hostname of ['localhost', '127.0.0.1', '127.1.2.3', '::1'])
    expect(exposureWarning(hostname)).toBeUndefined();
  for (const hostname of ['0.0.0.0', '::', '10.0.0.7', 'trust.example.com', '127.example.com']) {
    expect(exposureWarning(hostname)).toContain(`whoever reaches ${hostname} can publish`);
  }
});
