// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import type { PassphraseRotationReport } from '../../../signing/service-keys/index.ts';
import type { KeyId } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { rotatePassphrase } from './rotate-passphrase.ts';

const failed = { keyId: 'ab'.repeat(32) as KeyId, alias: 'old', code: 'wrong-passphrase' } as const;

async function run(report: PassphraseRotationReport, json = false) {
  const written = { stdout: '', stderr: '', error: '' };
  const output = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  const context = { io: { stdout: output('stdout'), stderr: output('stderr') }, globals: { json } };
  await rotatePassphrase(context as unknown as CommandContext, { rotatePassphrase: async () => report }, {}).catch(
    (error: Error) => {
      written.error = error.message;
    },
  );
  return written;
}

describe('hallmark signer rotate-passphrase', () => {
  test('says how many keys were encrypted anew', async () => {
    const report = { rotated: 2, failed: [], left: 0 };
    expect(await run(report)).toEqual({ stdout: 'Encrypted 2 keys anew\n', stderr: '', error: '' });
    const { stdout, error } = await run(report, true);
    expect([JSON.parse(stdout), error]).toEqual([report, '']);
  });

  test('what stays under another alias is named, and makes it fail', async () => {
    const { stdout, stderr, error } = await run({ rotated: 0, failed: [failed], left: 2 });
    expect(stdout).toBe('Encrypted 0 keys anew\n');
    expect(stderr).toContain(`key ${failed.keyId} stays under alias "old": its passphrase does not open it\n`);
    expect(stderr).toContain('hint: 1 key came under another alias meanwhile');
    expect(error).toBe('error: 2 keys still under another alias');
  });
});
