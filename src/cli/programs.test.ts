// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { PassThrough } from 'node:stream';
import type { Io } from './io.ts';
import { runProgram } from './programs.ts';

/** What a program of that name says, and how it ends. */
async function called(name: string, argv: readonly string[]) {
  let said = '';
  const write = (text: string | Uint8Array): void => {
    said += String(text);
  };
  const output = { write, isTerminal: false, columns: 80 };
  const io: Io = {
    env: { HALLMARK_AGENT_SOCKET: '/nonexistent/agent.sock', HALLMARK_POLICY: '/nonexistent/policy.yaml' },
    stdin: new PassThrough(),
    stdout: output,
    stderr: output,
    now: () => new Date(),
    untilStopped: async () => {},
  };
  return { code: await runProgram(name, argv, io), said };
}

test('the name by which the program is called chooses its face, as does its first word', async () => {
  const question = ['-name', 'a/b:1', '-digest', `sha256:${'0'.repeat(64)}`];
  for (const [name, argv] of [
    ['hallmark-image-verifier', question],
    ['hallmark', ['image-verifier', ...question]],
  ] as const)
    expect(await called(name, argv)).toMatchObject({ code: 1, said: expect.stringMatching(/^not verified: /) });
  expect((await called('notary', ['version'])).said).toContain('notary');
  expect((await called('docker-trust', ['docker-cli-plugin-metadata'])).said).toContain('"SchemaVersion"');
});

test('S28 a verifier that is called in a way it does not know refuses', async () => {
  expect(await called('hallmark-image-verifier', ['-unknown', 'x'])).toMatchObject({ code: 2 });
  expect(await called('hallmark-image-verifier', [])).toMatchObject({ code: 2 });
});

test('S28 the help of a verifier says how it is called, and still lets nothing through', async () => {
  for (const argv of [['--help'], ['-h'], ['-help']])
    expect(await called('hallmark-image-verifier', argv)).toMatchObject({
      code: 2,
      said: expect.stringMatching(/^Usage: hallmark-image-verifier -name /),
    });
  const question = ['-name', 'a/b:1', '-digest', `sha256:${'0'.repeat(64)}`];
  expect(await called('hallmark-image-verifier', [...question, '--help'])).toMatchObject({
    code: 2,
    said: expect.stringMatching(/^not verified: /),
  });
});
