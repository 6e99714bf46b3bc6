// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCaptured } from '../../../../test/support/command-line.ts';
import { NOW, RepositorySimulator } from '../../../../test/support/repository-simulator.ts';
import { contentOf, scratchDirectories } from '../../../../test/support/scratch.ts';
import { ROOT, tufV1 } from '../../../tuf/index.ts';

const scratch = scratchDirectories();
const servers: { stop(closeActive: boolean): unknown }[] = [];
afterAll(() => {
  for (const server of servers) server.stop(true);
});

const nameOf = (path: string) => decodeURIComponent(path.split('/').at(-1) ?? '').replace(/^[0-9a-f]{64}\./, '');

/** A repository with its targets on a server of its own, and a user's directories. */
async function opened() {
  const repository = (await RepositorySimulator.create({ dialect: tufV1 })).tag('file.txt', 'content').publish();
  const artifacts = new Map([['file.txt', 'content']]);
  const asked: string[] = [];
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname.startsWith('/targets/')) asked.push(pathname);
      const body = pathname.startsWith('/targets/')
        ? artifacts.get(nameOf(pathname))
        : repository.served.get(pathname.slice('/metadata/'.length));
      return body === undefined
        ? new Response(null, { status: 404 })
        : new Response(typeof body === 'string' ? body : Buffer.from(body));
    },
  });
  servers.push(server);
  const home = scratch();
  const [metadata, targets, root] = [join(home, 'metadata'), join(home, 'targets'), join(home, 'root.json')];
  writeFileSync(root, repository.files.get(ROOT) as Uint8Array);
  const base = `http://127.0.0.1:${server.port}`;
  let now = NOW;
  const run = (...argv: readonly string[]) =>
    runCaptured(['tuf-client', ...argv], { HOME: home, DOCKER_CONFIG: home }, () => now);
  return {
    repository,
    artifacts,
    asked,
    metadata,
    targets,
    at: (date: Date) => {
      now = date;
    },
    init: () => run('--metadata-dir', metadata, 'init', root),
    refresh: (...more: readonly string[]) =>
      run('--metadata-url', `${base}/metadata/`, '--metadata-dir', metadata, 'refresh', ...more),
    download: (...names: readonly string[]) =>
      run(
        '--metadata-url',
        `${base}/metadata`,
        '--metadata-dir',
        metadata,
        ...names.flatMap((name) => ['--target-name', name]),
        '--target-dir',
        targets,
        '--target-base-url',
        `${base}/targets`,
        'download',
      ),
    base,
    run,
  };
}

describe('hallmark tuf-client', () => {
  test('init, refresh, download: exit code 0, and the directories hold what is trusted', async () => {
    const user = await opened();
    expect(await user.init()).toMatchObject({ exitCode: 0 });
    expect(Object.keys(contentOf(user.metadata))).toEqual(['root.json']);
    expect(await user.refresh()).toEqual({
      exitCode: 0,
      stdout: 'root 1, timestamp 2, snapshot 2, targets 2\n',
      stderr: '',
    });
    expect(Object.keys(contentOf(user.metadata))).toEqual([
      'root.json',
      'snapshot.json',
      'targets.json',
      'timestamp.json',
    ]);
    expect(contentOf(user.targets)).toEqual({});

    const file = join(user.targets, 'file.txt');
    expect(await user.download('file.txt')).toEqual({ exitCode: 0, stdout: `${file}\n`, stderr: '' });
    expect(readFileSync(file, 'utf8')).toBe('content');
  });

  test('takes its options before and after the action', async () => {
    const { base, metadata, run, init } = await opened();
    await init();

    expect(await run('refresh', '--metadata-dir', metadata, '--metadata-url', `${base}/metadata`)).toMatchObject({
      exitCode: 0,
    });
  });

  test('--json tells versions, and each target with its role', async () => {
    const user = await opened();
    await user.init();
    expect(JSON.parse((await user.refresh('--json')).stdout)[0]).toMatchObject({ role: 'root', version: 1 });
    const hash = createHash('sha256').update('content').digest('hex');
    const { stdout } = await user.run(
      '--json',
      '--metadata-url',
      `${user.base}/metadata`,
      '--metadata-dir',
      user.metadata,
      '--target-name',
      'file.txt',
      '--target-dir',
      user.targets,
      '--target-base-url',
      `${user.base}/targets`,
      'download',
    );

    expect(JSON.parse(stdout)).toEqual([
      {
        target: 'file.txt',
        file: join(user.targets, 'file.txt'),
        role: 'targets',
        length: 7,
        hashes: { sha256: hash },
      },
    ]);
  });

  test('a target that is here already is not downloaded again, and a changed one is', async () => {
    const user = await opened();
    await user.init();
    await user.download('file.txt');
    await user.download('file.txt');
    expect(user.asked.length).toBe(1);

    user.repository.tag('file.txt', 'changed').publish();
    user.artifacts.set('file.txt', 'changed');
    expect(await user.download('file.txt')).toMatchObject({ exitCode: 0 });
    expect(Object.values(contentOf(user.targets))).toEqual(['changed']);
  });

  test('S24 other bytes than were signed: exit code 1, and nothing of them is kept', async () => {
    const user = await opened();
    await user.init();
    await user.download('file.txt');
    user.repository.tag('file.txt', 'newer').publish();
    user.artifacts.set('file.txt', 'evil!');

    const ran = await user.download('file.txt');
    expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ran.stderr).toContain('sha256');
    expect(contentOf(user.targets)).toEqual({ 'file.txt': 'content' });
  });

  test('several targets in their order; the first that fails ends it', async () => {
    const user = await opened();
    await user.init();
    user.repository.tag('other', 'other').publish();
    user.artifacts.set('other', 'other');

    expect(await user.download('other', 'missing', 'file.txt')).toMatchObject({ exitCode: 1 });
    expect(Object.keys(contentOf(user.targets))).toEqual(['other']);
  });

  test('S2 what has expired by the clock: exit code 1', async () => {
    const user = await opened();
    await user.init();
    await user.refresh();
    user.at(new Date(NOW.getTime() + 20 * 86_400_000));

    expect(await user.refresh()).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('timestamp expired') as never,
    });
  });

  test('S13 a target whose path leads out: stored inside, or refused', async () => {
    const user = await opened();
    await user.init();
    user.repository.tag('../../evil', 'evil').tag('/abs/olute', 'absolute').publish();
    user.artifacts.set('evil', 'evil').set('olute', 'absolute');

    expect(await user.download('../../evil')).toMatchObject({ exitCode: 1 });
    expect(await user.download('/abs/olute')).toMatchObject({ exitCode: 0 });
    expect(Object.keys(contentOf(user.targets))).toEqual(['%2Fabs%2Folute']);
  });

  test('whatever is wrong with the command line or the root: exit code 1, and one line that says it', async () => {
    const user = await opened();
    const noRoot = join(user.metadata, 'none');
    for (const argv of [
      ['refresh'],
      ['--metadata-dir', user.metadata, 'refresh'],
      ['--metadata-dir', user.metadata, '--metadata-url', 'ftp://x/', 'refresh'],
      ['--metadata-dir', user.metadata, '--metadata-url', user.base, 'refresh'],
      ['--metadata-dir', user.metadata, 'init'],
      ['--metadata-dir', user.metadata, 'init', noRoot],
      ['--metadata-dir', user.metadata, '--metadata-url', user.base, 'download'],
      ['--metadata-dir', user.metadata, 'other'],
    ]) {
      const ran = await user.run(...argv);
      expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
      expect(ran.stderr).toMatch(/^[^\n]+\n$/);
    }
  });

  test('a command line that cannot be read: exit code 1 too, for the protocol knows no other', async () => {
    const { run } = await opened();
    for (const argv of [
      [],
      ['--no-such-option', 'refresh'],
      ['refresh', '--metadata-dir'],
      ['refresh', '--ca'],
      ['init', 'root.json', 'more'],
      ['refresh', '--trust-dir', ''],
    ]) {
      const ran = await run(...argv);
      expect({ argv, exitCode: ran.exitCode, stdout: ran.stdout }).toEqual({ argv, exitCode: 1, stdout: '' });
      expect(ran.stderr).toMatch(/option|argument|--trust-dir/);
    }
    expect(await run('--help')).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('a second root over the first is refused; the same one again is no fault', async () => {
    const user = await opened();
    await user.init();
    expect(await user.init()).toMatchObject({ exitCode: 0 });
    const other = await RepositorySimulator.create({ dialect: tufV1 });
    const file = join(user.metadata, '..', 'other.json');
    writeFileSync(file, other.files.get(ROOT) as Uint8Array);

    expect(await user.run('--metadata-dir', user.metadata, 'init', file)).toMatchObject({ exitCode: 1 });
    expect(
      Buffer.compare(
        readFileSync(join(user.metadata, 'root.json')),
        user.repository.files.get(ROOT) ?? new Uint8Array(),
      ),
    ).toBe(0);
  });
});
