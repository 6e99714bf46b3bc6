// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { runCaptured } from '../support/command-line.ts';

const broken = (): Date => {
  throw new Error('nobody foresaw this');
};

describe('the end of a command', () => {
  test('S28 an error that nobody foresaw is never exit code 0, and its stack is not shown', async () => {
    const env = { HOME: '/nonexistent', DOCKER_CONTENT_TRUST_SERVER: 'http://127.0.0.1:1' };
    const ran = await runCaptured(['verify', 'localhost:1/app:1'], env, broken);

    expect(ran).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'error: internal error: nobody foresaw this\nhint: run again with HALLMARK_DEBUG=1 and report it\n',
    });
  });

  test('S28 a server that nobody answers at is exit code 1, not "not trusted"', async () => {
    const env = { HOME: '/nonexistent', DOCKER_CONTENT_TRUST_SERVER: 'http://127.0.0.1:1' };
    const ran = await runCaptured(['verify', 'localhost:1/app:1'], env, () => new Date());

    expect({ exitCode: ran.exitCode, stdout: ran.stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(ran.stderr).toMatch(/^Error: error contacting notary server: /);
  });
});
