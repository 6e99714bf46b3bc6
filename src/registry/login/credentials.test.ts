// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CredentialsError } from '../errors.ts';
import { dockerCredentials } from './credentials.ts';

const SECRET = 's3cret:with:colons';
const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
const ann = { kind: 'basic', username: 'ann', password: SECRET } as const;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'credentials-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function found(domain: string, config?: object | string, env: Record<string, string> = {}) {
  const text = typeof config === 'string' ? config : JSON.stringify(config);
  if (config !== undefined) await writeFile(join(directory, 'config.json'), text);
  return dockerCredentials(domain, {
    env: { DOCKER_CONFIG: directory, PATH: `${directory}:${process.env.PATH}`, ...env },
  });
}

async function failure(work: Promise<unknown>): Promise<CredentialsError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CredentialsError);
  const { message, cause } = error as CredentialsError;
  expect(`${message} ${cause}`).not.toContain('s3cret');
  expect(message).not.toContain('\n');
  return error as CredentialsError;
}

async function helper(name: string, script: string): Promise<void> {
  const path = join(directory, `docker-credential-${name}`);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

describe('logins in config.json', () => {
  test('no file, no entry: nobody', async () => {
    expect(await found('localhost:5000')).toBeUndefined();
    expect(await found('localhost:5000', { auths: { 'localhost:5001': auth('a:b') } })).toBeUndefined();
    expect(await found('localhost:5000', { auths: { 'localhost:5000': {} } })).toBeUndefined();
  });

  test('user and password, the password with colons', async () => {
    expect(await found('localhost:5000', { auths: { 'localhost:5000': auth(`ann:${SECRET}`) } })).toEqual(ann);
    expect(
      await found('localhost:5000', { auths: { 'localhost:5000': { username: 'ann', password: SECRET } } }),
    ).toEqual(ann);
  });

  test('Docker Hub lies under its old address, and others may too', async () => {
    const config = {
      auths: { 'https://index.docker.io/v1/': auth(`ann:${SECRET}`), 'https://ghcr.io/v2/': auth(`ann:${SECRET}`) },
    };
    for (const domain of ['docker.io', 'index.docker.io', 'registry-1.docker.io', 'ghcr.io']) {
      expect(await found(domain, config)).toEqual(ann);
    }
    expect(await found('evil-ghcr.io', config)).toBeUndefined();
  });

  test('identity and registry tokens', async () => {
    expect(await found('r', { auths: { r: { ...auth('ann:'), identitytoken: 'id' } } })).toEqual({
      kind: 'identity-token',
      token: 'id',
    });
    expect(await found('r', { auths: { r: { registrytoken: 'rt' } } })).toEqual({
      kind: 'registry-token',
      token: 'rt',
    });
  });

  test('the environment comes before the file', async () => {
    const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { r: auth(`ann:${SECRET}`) } }) };
    expect(await found('r', { auths: { r: auth('bob:x') } }, env)).toEqual(ann);
    expect(await found('other', { auths: { other: auth(`ann:${SECRET}`) } }, env)).toEqual(ann);
  });

  test.each([
    ['no JSON', '{"auths":{"r":{"auth":"s3cret'],
    ['no object', '[]'],
    ['auths is a list', '{"auths":["s3cret"]}'],
    ['auth is no base64', '{"auths":{"r":{"auth":"s3cret!"}}}'],
    ['auth without a colon', JSON.stringify({ auths: { r: auth('s3cret') } })],
  ])('%s: a typed error without the content', async (_name, text) => {
    expect((await failure(found('r', text))).code).toBe('malformed');
  });
});

describe('credential helpers', () => {
  test('the server goes in on standard input, a login comes out', async () => {
    const script = `[ "$1" = get ] || exit 9\ncat > "${'$'}{0%/*}/asked"\nprintf '{"ServerURL":"r","Username":"ann","Secret":"${SECRET}"}'`;
    await helper('test', script);
    expect(await found('r', { credHelpers: { r: 'test' }, credsStore: 'absent' })).toEqual(ann);
    expect(await readFile(join(directory, 'asked'), 'utf8')).toBe('r');
    expect(await found('docker.io', { credsStore: 'test' })).toEqual(ann);
    expect(await readFile(join(directory, 'asked'), 'utf8')).toBe('https://index.docker.io/v1/');
  });

  test('the user <token> has an identity token', async () => {
    await helper('test', `printf '{"Username":"<token>","Secret":"id"}'`);
    expect(await found('r', { credsStore: 'test' })).toEqual({ kind: 'identity-token', token: 'id' });
  });

  test('a helper without a login is nobody', async () => {
    await helper('test', 'echo "credentials not found in native keychain"; exit 1');
    expect(await found('r', { credsStore: 'test' })).toBeUndefined();
  });

  test('a failing helper is named, and what it printed beside a refusal is not', async () => {
    await helper('locked', 'echo "the keychain is locked"; echo s3cret >&2; exit 1');
    expect((await failure(found('r', { credsStore: 'locked' }))).message).toBe(
      'credential helper locked: the keychain is locked',
    );
    await helper('odd', 'echo "s3cret and no JSON"');
    expect((await failure(found('r', { credsStore: 'odd' }))).code).toBe('helper-failed');
    expect((await failure(found('r', { credsStore: 'absent' }))).message).toContain(
      'docker-credential-absent is not installed',
    );
  });

  test.each(['../../evil', '/bin/sh', 'a b', '', '-x'])('S35 %j is no name of a helper', async (name) => {
    const work = found('r', { credHelpers: { r: name } });
    expect((await failure(work)).code).toBe('helper-failed');
  });
});
