// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { readVectorJson } from '../../../test/support/vectors.ts';
import type { Io } from '../io.ts';
import { runProgram } from '../programs.ts';
import { FlagError, parseServiceFlags } from './flags.ts';

const directory = mkdtempSync(join(tmpdir(), 'hallmark-notary-services-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function run(name: string, argv: readonly string[], env: Record<string, string> = {}) {
  const text = { stdout: '', stderr: '' };
  const output = (stream: 'stdout' | 'stderr') => ({
    write: (chunk: string | Uint8Array) => {
      text[stream] += String(chunk);
    },
    isTerminal: false,
    columns: 80,
  });
  const io: Io = {
    env,
    stdin: new PassThrough(),
    stdout: output('stdout'),
    stderr: output('stderr'),
    now: () => new Date('2026-11-23T12:00:00Z'),
    untilStopped: async () => {},
  };
  return { code: await runProgram(name, argv, io), ...text };
}

describe("the originals' command lines", () => {
  test('flags are read as Go reads them', () => {
    expect(parseServiceFlags(['-config', 'a', '-debug', '--logf=logfmt', 'x', '-nonsense'])).toEqual({
      config: 'a',
      debug: true,
      bootstrap: false,
      version: false,
      help: false,
    });
    expect(parseServiceFlags(['--config=b', '-bootstrap=false', '-version=T'])).toMatchObject({
      config: 'b',
      bootstrap: false,
      version: true,
    });
    for (const bad of [['-x'], ['-config'], ['-debug=maybe'], ['---config', 'a']]) {
      expect(() => parseServiceFlags(bad)).toThrow(FlagError);
    }
  });

  for (const name of ['notary-server', 'notary-signer']) {
    test(`${name}: version, help and a bad flag end as with the original, by name and behind hallmark`, async () => {
      expect(await run(name, ['-version'])).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(`${name} Version: `),
      });
      expect(await run(name, ['-help'])).toMatchObject({ code: 0, stderr: expect.stringContaining('-config string') });
      expect(await run('hallmark', [name, '-nope'])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('flag provided but not defined: -nope'),
      });
    });

    test(`${name}: a missing configuration is one fatal line of JSON and exit code 1`, async () => {
      for (const argv of [[], ['-config', join(directory, 'none.json')]]) {
        const { code, stderr } = await run(name, argv);
        expect([code, JSON.parse(stderr.trim().split('\n').at(-1) ?? '')]).toEqual([
          1,
          { level: 'fatal', msg: expect.stringMatching(/config/), time: '2026-11-23T12:00:00Z' },
        ]);
      }
    });
  }

  test('what the originals refuse is refused in their words', async () => {
    const recorded: Record<string, { program: string; config: string; fatal?: string }> =
      readVectorJson('service-configs/notary.json');
    for (const name of ['server-no-address', 'signer-unknown-backend']) {
      const { program = '', config = '', fatal = '' } = recorded[name] ?? {};
      const file = join(directory, `${name}.json`);
      writeFileSync(file, config);
      const { code, stderr } = await run(program, ['-config', file]);
      expect([code, stderr]).toEqual([1, expect.stringContaining(JSON.stringify(fatal).slice(1, -1))]);
    }
  });

  test('S4 S8 a form of our own, or files that are not there, do not start anything', async () => {
    const own = join(directory, 'own.yaml');
    writeFileSync(
      own,
      'server: { listen: ":0", plaintext: true }\nstorage: { engine: memory }\nauth: { type: none }\n',
    );
    expect(await run('notary-server', ['-config', own])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('server.listen: unknown key'),
    });
    const files = join(directory, 'files.json');
    const server = { http_addr: '127.0.0.1:0', tls_cert_file: 'no.crt', tls_key_file: 'no.key' };
    writeFileSync(files, JSON.stringify({ server, trust_service: { type: 'local' }, storage: { backend: 'memory' } }));
    expect(await run('notary-server', ['-config', files])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no.crt'),
    });
  });
});
