// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
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

  test('S28 output that nobody reads to its end is no success, and no stack trace', () => {
    // the reader has ended before the program writes
    const script = 'exec 3> >(:); wait $!; "$0" --no-env-file --config=/dev/null "$1" completion bash >&3';
    const ran = Bun.spawnSync(['bash', '-c', script, process.execPath, resolve('bin/hallmark.ts')]);

    expect({ code: ran.exitCode, stderr: ran.stderr.toString() }).toEqual({ code: 141, stderr: '' });
  });

  test('S28 an answer that cannot be written is no success, and is told in one line', () => {
    const script = '"$0" --no-env-file --config=/dev/null "$1" completion bash > /dev/full';
    const ran = Bun.spawnSync(['bash', '-c', script, process.execPath, resolve('bin/hallmark.ts')]);

    expect({ code: ran.exitCode, stderr: ran.stderr.toString() }).toEqual({
      code: 1,
      stderr: 'error: ENOSPC: no space left on device, write\n',
    });
  });
});
