// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEndpoint, resolveEndpoint } from './endpoint.ts';
import { EngineError } from './errors.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'endpoint-'));
});
afterEach(() => rm(directory, { recursive: true }));

const envWith = (more: Record<string, string> = {}) => ({ DOCKER_CONFIG: directory, ...more });

async function context(
  name: string,
  host: string,
  more: object = {},
  files: Record<string, string> = {},
): Promise<void> {
  const id = createHash('sha256').update(name).digest('hex');
  const meta = join(directory, 'contexts', 'meta', id);
  await mkdir(meta, { recursive: true });
  const endpoints = { docker: { Host: host, ...more } };
  await writeFile(join(meta, 'meta.json'), JSON.stringify({ Name: name, Metadata: {}, Endpoints: endpoints }));
  const tls = join(directory, 'contexts', 'tls', id, 'docker');
  await mkdir(tls, { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(join(tls, file), text);
}

async function failure(work: Promise<unknown>): Promise<EngineError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EngineError);
  return error as EngineError;
}

describe('the engine that docker would talk to', () => {
  test('the order of the settings', async () => {
    await context('remote', 'tcp://remote:2375');
    await context('other', 'tcp://other:2375');
    const text = async (env: Record<string, string>, more: object = {}) =>
      (await resolveEndpoint({ env, ...more })).text;
    expect(await text(envWith())).toBe('unix:///var/run/docker.sock');
    await writeFile(join(directory, 'config.json'), JSON.stringify({ currentContext: 'remote' }));
    expect(await text(envWith())).toBe('tcp://remote:2375');
    expect(await text(envWith({ DOCKER_CONTEXT: 'other' }))).toBe('tcp://other:2375');
    expect(await text(envWith({ DOCKER_CONTEXT: 'default' }))).toBe('unix:///var/run/docker.sock');
    const env = envWith({ DOCKER_CONTEXT: 'other', DOCKER_HOST: 'unix:///env.sock' });
    expect(await text(env)).toBe('unix:///env.sock');
    expect(await text(env, { host: 'unix:///flag.sock' })).toBe('unix:///flag.sock');
    expect(await text(env, { context: 'remote', host: 'unix:///flag.sock' })).toBe('tcp://remote:2375');
  });

  test('TLS of the environment', async () => {
    await writeFile(join(directory, 'ca.pem'), 'CA');
    await writeFile(join(directory, 'cert.pem'), 'CERT');
    await writeFile(join(directory, 'key.pem'), 'KEY');
    const verified = await resolveEndpoint({ env: envWith({ DOCKER_HOST: 'tcp://h:2376', DOCKER_TLS_VERIFY: '1' }) });
    expect(verified).toMatchObject({
      hostname: 'h',
      port: 2376,
      tls: { ca: 'CA', cert: 'CERT', key: 'KEY', verify: true },
    });
    const path = { DOCKER_HOST: 'tcp://h', DOCKER_TLS: '1', DOCKER_CERT_PATH: join(directory, 'absent') };
    expect(await resolveEndpoint({ env: envWith(path) })).toMatchObject({ port: 2376, tls: { verify: false } });
    expect(await resolveEndpoint({ env: envWith({ DOCKER_HOST: 'tcp://h' }) })).not.toHaveProperty('tls');
  });

  test('TLS of a context', async () => {
    await context('tls', 'tcp://h:2376', {}, { 'ca.pem': 'CA' });
    expect(await resolveEndpoint({ env: envWith(), context: 'tls' })).toMatchObject({
      tls: { ca: 'CA', verify: true },
    });
    await context('lax', 'tcp://h:2376', { SkipTLSVerify: true });
    expect(await resolveEndpoint({ env: envWith(), context: 'lax' })).toMatchObject({ tls: { verify: false } });
  });

  test('a context that is not there, not readable or not named like one', async () => {
    expect((await failure(resolveEndpoint({ env: envWith(), context: 'absent' }))).message).toBe(
      'context "absent": context not found',
    );
    expect((await failure(resolveEndpoint({ env: envWith(), context: '../x' }))).code).toBe('bad-endpoint');
    await context('empty', 'unix:///x');
    const id = createHash('sha256').update('empty').digest('hex');
    await writeFile(join(directory, 'contexts', 'meta', id, 'meta.json'), '{');
    expect((await failure(resolveEndpoint({ env: envWith(), context: 'empty' }))).code).toBe('bad-endpoint');
    await writeFile(join(directory, 'config.json'), '{');
    expect((await failure(resolveEndpoint({ env: envWith() }))).code).toBe('bad-endpoint');
  });

  test.each([
    ['unix:///run/docker.sock', { kind: 'unix', socketPath: '/run/docker.sock' }],
    ['tcp://10.0.0.1:2375', { kind: 'tcp', hostname: '10.0.0.1', port: 2375 }],
    ['tcp://[::1]:2375', { kind: 'tcp', hostname: '::1', port: 2375 }],
    ['http://h:80', { kind: 'tcp', hostname: 'h', port: 80 }],
    ['https://h', { kind: 'tcp', hostname: 'h', port: 2376, tls: { verify: true } }],
  ])('%s', (host, endpoint) => {
    expect(parseEndpoint(host)).toMatchObject(endpoint as object);
  });

  test.each([
    ['ssh://ann@h', 'unsupported'],
    ['npipe:////./pipe/docker_engine', 'unsupported'],
    ['docker.sock', 'bad-endpoint'],
    ['unix://', 'bad-endpoint'],
    ['tcp://ann:s3cret@h', 'bad-endpoint'],
  ])('%s is refused', (host, code) => {
    try {
      parseEndpoint(host);
      throw new Error('accepted');
    } catch (error) {
      expect(error).toMatchObject({ name: 'EngineError', code });
      expect((error as Error).message).not.toContain('s3cret');
    }
  });
});
