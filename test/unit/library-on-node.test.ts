// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { sha256Hex, tufV1 } from '../../src/tuf/index.ts';
import { NOW, RepositorySimulator } from '../support/repository-simulator.ts';
import { VECTOR_NOW, vectorRepository } from '../support/vectors.ts';

const repository = resolve(import.meta.dir, '..', '..');

/** Serves a recorded repository as a trust server would. */
function serveVectors(name: string) {
  const { files, expected } = vectorRepository(name);
  return Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      const path = new URL(request.url).pathname;
      const [, role, pin] = /\/_trust\/tuf\/(.+?)(?:\.([0-9a-f]{64}))?\.json$/.exec(path) ?? [];
      const found = files.find((file) =>
        pin === undefined
          ? file.role === role && file.version === expected.current[role ?? '']
          : file.role === role && sha256Hex(file.bytes) === pin,
      );
      return found === undefined ? new Response(null, { status: 404 }) : new Response(Buffer.from(found.bytes));
    },
  });
}

/** A TUF 1.0 repository with one target, over HTTP. */
async function serveTuf() {
  const repository = (await RepositorySimulator.create({ dialect: tufV1 })).tag('dir/file', 'content').publish();
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      const [, kind, ...path] = new URL(request.url).pathname.split('/');
      if (kind === 'targets') return new Response('content');
      const file = repository.served.get(path.join('/'));
      return file === undefined ? new Response(null, { status: 404 }) : new Response(Buffer.from(file));
    },
  });
  return { repository, url: `http://127.0.0.1:${server.port}`, stop: () => server.stop(true) };
}

describe('the built library under Node', () => {
  let directory: string;
  let server: ReturnType<typeof serveVectors>;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hallmark-lib-'));
    server = serveVectors('b-docker-tags');
    const built = Bun.spawnSync(
      ['node_modules/.bin/tsc', '-p', 'tsconfig.lib.json', '--outDir', join(directory, 'lib')],
      { cwd: repository },
    );
    expect(built.exitCode).toBe(0);
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
    Bun.spawnSync(['ln', '-s', join(repository, 'node_modules'), join(directory, 'node_modules')]);
  });

  afterAll(async () => {
    await server.stop(true);
    rmSync(directory, { recursive: true, force: true });
  });

  async function underNode(script: string): Promise<{ exitCode: number; stdout: string; stderr: string }> {
    writeFileSync(join(directory, 'script.js'), script);
    const child = Bun.spawn(['node', 'script.js'], { cwd: directory, stdout: 'pipe', stderr: 'pipe' });
    const [stdout, stderr, exitCode] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { exitCode, stdout, stderr };
  }

  const verification = (tag: string) => `
    import { verifyImage } from './lib/index.js';
    try {
      const found = await verifyImage('localhost:25050/vec/tags:${tag}', {
        server: 'http://127.0.0.1:${server.port}', trustDirectory: './trust', now: new Date('${VECTOR_NOW.toISOString()}'),
      });
      console.log(found.digest);
    } catch (error) {
      console.log(error.name, error.code);
    }`;

  test('verifies a recorded repository and finds the signed digest', async () => {
    const expected = vectorRepository('b-docker-tags').expected.notary_list?.['1.0']?.sha256;
    const { stdout, stderr } = await underNode(verification('1.0'));
    expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: `sha256:${expected}`, stderr: '' });
    expect(readdirSync(join(directory, 'trust', 'tuf', 'localhost:25050', 'vec', 'tags', 'metadata')).sort()).toEqual([
      'root.json',
      'snapshot.json',
      'targets.json',
      'timestamp.json',
    ]);
  });

  test('refuses a tag that nobody signed with the exported error', async () => {
    expect((await underNode(verification('unsigned'))).stdout.trim()).toBe('VerificationError unsigned');
  });

  test('reads a TUF 1.0 repository: a root by hand, then a target by its path', async () => {
    const { repository, url, stop } = await serveTuf();
    writeFileSync(join(directory, 'root.json'), repository.served.get('1.root.json') ?? '');
    const script = `
      import { readFileSync } from 'node:fs';
      import { DirectoryTrustedFiles, fetchTarget, HttpTufFetcher, parseGun, TargetDirectory, TufClient, targetUrl, tufV1 } from './lib/index.js';
      const fetcher = new HttpTufFetcher({ metadataUrl: '${url}/metadata' });
      const files = new DirectoryTrustedFiles('./tuf');
      const client = new TufClient({ dialect: tufV1, gun: parseGun('example'), fetcher, files, now: new Date('${NOW.toISOString()}') });
      client.initialize(new Uint8Array(readFileSync('root.json')));
      const found = await client.find('dir/file');
      const file = await new TargetDirectory('./targets').save(found, fetchTarget(targetUrl('${url}/targets', found, true), found));
      console.log(found.role, readFileSync(file, 'utf8'), await client.find('dir/other'));`;
    const { stdout, stderr } = await underNode(script);
    await stop();

    expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: 'targets content undefined', stderr: '' });
  });

  test('the built library imports nothing of Bun', () => {
    const built = readdirSync(join(directory, 'lib'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.js'),
    );
    const foreign = built.filter((file) =>
      /from 'bun|\bBun\./.test(readFileSync(join(directory, 'lib', file), 'utf8')),
    );
    expect(foreign).toEqual([]);
  });
});
