// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promise } from './support/journal.ts';
import { expectSuccess, type NotaryWorld, openNotaryWorld, tableRows } from './support/notary-world.ts';
import { run } from './support/processes.ts';
import { notaryProgram } from './support/programs.ts';
import type { User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

const gun = 'example.com/interop/archived';

/** A web server that knows nothing of trust: files of a directory, and 404. */
function staticServer(directory: string) {
  return Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === '/v2/') return new Response('{}');
      const file = Bun.file(join(directory, decodeURIComponent(pathname)));
      return (await file.exists()) ? new Response(file) : new Response(null, { status: 404 });
    },
  });
}

describe('an archive in the place of the server that is gone', () => {
  let world: NotaryWorld;
  let owner: User;
  let follower: User;
  let archive: string;

  beforeAll(async () => {
    world = await openNotaryWorld('notary');
    [owner, follower] = [world.user('owner'), world.user('follower')];
    archive = world.stage.makeDirectory('archive');
    expectSuccess(await owner.notary('init', gun, '-p'));
    expectSuccess(await owner.notary('addhash', gun, 'v1', '11', '--sha256', 'cd'.repeat(32), '-p'));
    expectSuccess(await follower.notary('list', gun));
    for (const role of ['targets', 'snapshot']) expectSuccess(await owner.notary('key', 'rotate', gun, role));
    expectSuccess(await owner.notary('addhash', gun, 'v2', '12', '--sha256', 'ef'.repeat(32), '-p'));
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  promise('hallmark copies all that is public from notary-server', async () => {
    const outcome = await owner.hallmark('--server', world.server.url, 'archive', gun, '--output', archive);
    expect(expectSuccess(outcome)).toStartWith(`${gun}: 3 roots`);
  });

  promise(
    'notary reads it from any web server: one that followed from the first root, and one that is new',
    async () => {
      const server = staticServer(archive);
      try {
        for (const trustDirectory of [join(follower.home, '.notary'), world.stage.makeDirectory('newcomer')]) {
          const argv = [...notaryProgram(), '-s', `http://127.0.0.1:${server.port}`, '-d', trustDirectory, 'list', gun];
          const outcome = await run(argv, { env: { PATH: '/usr/bin:/bin', HOME: follower.home } });
          expect(tableRows(expectSuccess(outcome)).map(([name]) => name)).toEqual(['v1', 'v2']);
        }
      } finally {
        await server.stop(true);
        rmSync(archive, { recursive: true, force: true });
      }
    },
  );
});
