// SPDX-License-Identifier: Apache-2.0

import { afterAll, describe, expect, test } from 'bun:test';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { z } from 'zod';
import { parseAddress } from '../address.ts';
import type { ConfigProblem } from './errors.ts';
import {
  address,
  ConfigError,
  type Environment,
  filePath,
  jsonSchemaOf,
  readConfigDocument,
  readSecretFile,
  SecretFileError,
  size,
  span,
} from './index.ts';
import { understand } from './load.ts';
import { isReadableByAll } from './secret-file.ts';

// where everybody may enter, which a directory for temporary files of one's own need not be
const directory = mkdtempSync('/tmp/hallmark-config-');
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

const schema = z.strictObject({
  server: z.strictObject({ listen: address(), cert: filePath().optional(), workers: z.int().optional() }),
  caching: z.strictObject({ enabled: z.boolean().optional(), maxAge: z.int().optional() }).prefault({}),
  names: z.array(z.string()).default([]),
  hooks: z.array(z.strictObject({ url: z.string(), secretFile: filePath() })).default([]),
});

async function load(name: string, text: string, env: Environment = {}) {
  return understand(await readConfigDocument(file(name, text)), { schema, env, prefix: 'APP_' });
}

async function problemsOf(name: string, text: string, env: Environment = {}): Promise<readonly ConfigProblem[]> {
  const error = await load(name, text, env).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof ConfigError)) throw new Error(`no ConfigError but ${String(error)}`);
  return error.problems;
}

const LISTEN = 'server: { listen: "127.0.0.1:80" }\n';

describe('reading a configuration', () => {
  test('JSON and YAML say the same', async () => {
    const expected = { server: { listen: { hostname: '127.0.0.1', port: 80 } }, caching: {}, names: ['a'], hooks: [] };
    expect(await load('a.yaml', `${LISTEN}names: [a]\n`)).toEqual(expected);
    expect(await load('a.json', '{"server":{"listen":"127.0.0.1:80"},\n\t"names": ["a"]}')).toEqual(expected);
    expect(await load('without-extension', '{"server":{"listen":"127.0.0.1:80"}, "names": ["a"]}')).toEqual(expected);
    expect(await load('without-extension-2', `${LISTEN}names: [a]\n`)).toEqual(expected);
  });

  test('what calls itself JSON has to be it, and the error names the place', async () => {
    expect(await problemsOf('comma.json', '{"server": {\n  "listen": "127.0.0.1:80",\n}}')).toEqual([
      { key: '', message: expect.stringContaining('not JSON'), line: 3, column: 1 },
    ]);
    expect(await problemsOf('bad.json', '{bad')).toMatchObject([{ line: 1, column: 2 }]);
  });

  test('bad YAML names the place: two values of one key, an unknown tag, an indentation that is none', async () => {
    expect(await problemsOf('twice.yaml', `${LISTEN}names: [a]\nnames: [b]\n`)).toMatchObject([{ line: 3, column: 1 }]);
    expect(await problemsOf('tag.yaml', `${LISTEN}names: !secret x\n`)).toMatchObject([{ line: 2, column: 8 }]);
    expect(await problemsOf('indent.yaml', 'server:\n  listen: a:1\n cert: x\n')).toMatchObject([{ line: 3 }]);
  });

  test('S23 a few lines of aliases do not become gigabytes', async () => {
    const levels = Array.from(
      { length: 12 },
      (_, n) => `a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join(', ')}]`,
    );
    const problems = await problemsOf('bomb.yaml', `a0: &a0 [x]\n${levels.join('\n')}\n`);
    expect(problems).toMatchObject([{ message: expect.stringContaining('alias') }]);
  });

  test('a file that is missing, no mapping, too large or TOML is an error of its own', async () => {
    await expect(readConfigDocument(join(directory, 'none.yaml'))).rejects.toThrow(
      `${join(directory, 'none.yaml')}: cannot read the configuration: ENOENT`,
    );
    expect(await problemsOf('list.yaml', '- a\n')).toMatchObject([{ message: expect.stringContaining('mapping') }]);
    expect(await problemsOf('large.yaml', `${' '.repeat(5 * 1024 * 1024)}\n`)).toMatchObject([{ key: '' }]);
    expect(await problemsOf('a.toml', 'a = 1\n')).toMatchObject([{ message: expect.stringContaining('TOML') }]);
  });

  test('an empty file is a configuration in which everything is missing', async () => {
    expect(await problemsOf('empty.yaml', '# nothing yet\n')).toEqual([{ key: 'server', message: 'is missing' }]);
  });

  test('property: whatever text a file has, the answer is a configuration or a ConfigError', async () => {
    const path = join(directory, 'any.yaml');
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 200 }), async (text) => {
        writeFileSync(path, text);
        const outcome = await readConfigDocument(path).then(
          (document) => understand(document, { schema: z.record(z.string(), z.unknown()), env: {}, prefix: 'X_' }),
          (error: unknown) => error,
        );
        expect(outcome instanceof Error ? outcome : new ConfigError(path, [])).toBeInstanceOf(ConfigError);
      }),
      { numRuns: 300 },
    );
  });
});

describe('what a configuration says', () => {
  test('an unknown key is an error with its place, and the key that was probably meant', async () => {
    expect(await problemsOf('typo.yaml', 'server:\n  listen: "a:1"\n  wokers: 2\n')).toEqual([
      { key: 'server.wokers', message: 'unknown key; did you mean workers?', line: 3, column: 3 },
    ]);
    expect(await problemsOf('case.yaml', `${LISTEN}caching: { max_age: 2 }\n`)).toMatchObject([
      { message: 'unknown key; did you mean maxAge?' },
    ]);
    expect(await problemsOf('place.yaml', `${LISTEN}enabled: true\n`)).toMatchObject([
      { key: 'enabled', message: 'unknown key; did you mean caching.enabled?' },
    ]);
    expect(await problemsOf('none.yaml', `${LISTEN}zzzzzz: 1\n`)).toMatchObject([{ message: 'unknown key' }]);
    expect(await problemsOf('proto.yaml', `${LISTEN}__proto__: { names: [x] }\n`)).toMatchObject([
      { key: '__proto__' },
    ]);
  });

  test('everything that is wrong is told at once', async () => {
    const problems = await problemsOf('all.yaml', 'server: { listen: here, workers: many }\nnames: x\nother: 1\n');
    expect(problems.map(({ key }) => key)).toEqual(['server.listen', 'server.workers', 'names', 'other']);
  });

  test('the message has the form of a compiler, and never the value', async () => {
    const error = await load('secret.yaml', 'server:\n  listen: hunter2\n').catch((cause: Error) => cause);
    expect(String(error)).toContain(`${join(directory, 'secret.yaml')}:2:3: server.listen: is no HOST:PORT`);
    expect(String(error)).not.toContain('hunter2');
  });

  test('relative paths begin at the file, in lists too', async () => {
    const { server, hooks } = await load(
      'paths.yaml',
      'server: { listen: "a:1", cert: tls/a.crt }\nhooks: [{ url: u, secretFile: s }, { url: u, secretFile: /etc/s }]\n',
    );
    expect(server.cert).toBe(join(directory, 'tls/a.crt'));
    expect(hooks.map(({ secretFile }) => secretFile)).toEqual([join(directory, 's'), '/etc/s']);
  });
});

describe('the environment', () => {
  test('stands in for keys, by their type, also for those that the file lacks', async () => {
    const env = {
      APP_SERVER_LISTEN: '[::1]:81',
      APP_SERVER_WORKERS: '3',
      APP_CACHING_ENABLED: 'false',
      APP_NAMES: 'a, b c',
      APP_SERVER_CERT: 'x.crt',
      APP_CACHING_MAXAGE: '',
      APP_UNKNOWN: 'is not looked at',
    };
    expect(await load('env.yaml', LISTEN, env)).toEqual({
      server: { listen: { hostname: '::1', port: 81 }, workers: 3, cert: join(directory, 'x.crt') },
      caching: { enabled: false },
      names: ['a', 'b', 'c'],
      hooks: [],
    });
  });

  test('what is wrong with a variable is told by its name', async () => {
    expect(await problemsOf('env-bad.yaml', LISTEN, { APP_SERVER_LISTEN: 'nowhere', APP_SERVER_WORKERS: 'x' })).toEqual(
      [
        { key: 'server.listen', message: 'is no HOST:PORT', variable: 'APP_SERVER_LISTEN' },
        { key: 'server.workers', message: expect.stringContaining('expected number'), variable: 'APP_SERVER_WORKERS' },
      ],
    );
  });
});

describe('values', () => {
  test('addresses', () => {
    expect(parseAddress('localhost:443')).toEqual({ hostname: 'localhost', port: 443 });
    expect(parseAddress(':4443')).toEqual({ hostname: '0.0.0.0', port: 4443 });
    expect(parseAddress('[fe80::1]:0')).toEqual({ hostname: 'fe80::1', port: 0 });
    for (const text of ['', 'a', 'a:', 'a:65536', 'fe80::1:80', 'a b:80', '[a:80', 'a:-1'])
      expect(parseAddress(text)).toBeUndefined();
  });

  test('spans in seconds and sizes in bytes', () => {
    expect(['90s', '15m', '12h', '30d'].map((text) => span().parse(text))).toEqual([90, 900, 43_200, 2_592_000]);
    expect(['512KiB', '64MiB', '1GiB'].map((text) => size().parse(text))).toEqual([524_288, 67_108_864, 1_073_741_824]);
    for (const text of ['', '90', '1w', '-1s', '1.5h', '64MB', '64']) {
      expect(span().safeParse(text).success).toBe(false);
      expect(size().safeParse(text).success).toBe(false);
    }
  });

  test('the schema of a file can be printed', () => {
    expect(jsonSchemaOf(schema)).toMatchObject({
      type: 'object',
      additionalProperties: false,
      required: ['server'],
      properties: { server: { properties: { listen: { type: 'string' }, cert: { format: 'path' } } } },
    });
  });
});

describe('secret files', () => {
  test('a secret is read without the newline at its end, and with every other byte', async () => {
    expect(await readSecretFile(file('secret', ' pass word \n'))).toBe(' pass word ');
    expect(await readSecretFile(file('secret-crlf', 'a\nb\r\n'))).toBe('a\nb');
  });

  test('a missing, empty or large one is an error that names the file', async () => {
    const bad = [join(directory, 'nowhere'), file('empty-secret', '\n'), file('long-secret', 'x'.repeat(70_000))];
    for (const path of bad) {
      const error = await readSecretFile(path).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(SecretFileError);
      expect(error).toMatchObject({ path });
    }
  });

  test('S7 a file that everybody may read is seen as one', async () => {
    const path = file('open-secret', 'x');
    chmodSync(path, 0o644);
    chmodSync(directory, 0o755);
    expect(await isReadableByAll(path)).toBe(true);
    chmodSync(directory, 0o750);
    expect(await isReadableByAll(path)).toBe(false);
    chmodSync(directory, 0o755);
    chmodSync(path, 0o640);
    expect(await isReadableByAll(path)).toBe(false);
    expect(await isReadableByAll(join(directory, 'nowhere'))).toBe(false);
  });
});
