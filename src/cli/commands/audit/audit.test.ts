// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandLineWorld, openWorld } from '../../../../test/support/command-line.ts';
import { openMetadataStorage } from '../../../server/index.ts';
import { AuditFile, AuditFileTail, type AuditLine } from '../../../service/audit/index.ts';
import { parseGun } from '../../../tuf/index.ts';

let world: CommandLineWorld;
let data: string;
let file: string;

const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000);

/** The table, and a file of the same entries. */
async function record(): Promise<void> {
  data = join(world.directory, 'data');
  mkdirSync(data);
  const { storage, close } = await openMetadataStorage({ engine: 'sqlite', url: join(data, 'server.db') });
  const files = [{ role: 'targets', version: 2, sha256: 'ab' }];
  const common = { gun: parseGun('example.com/app'), actor: { name: 'ann', address: '192.0.2.1' } };
  await storage.recordAudit({ ...common, at: ago(50), action: 'publish', detail: { files } });
  await storage.recordAudit({ ...common, at: ago(3), action: 'refused', detail: { code: 'VERSION' } });
  const other = { gun: parseGun('example.com/other'), actor: { name: 'b\u001b[31mob', requestId: 'r1' } };
  await storage.recordAudit({ ...other, at: ago(1), action: 'delete', detail: { removed: 3 } });
  file = join(world.directory, 'audit.jsonl');
  const copy = await AuditFile.open(file);
  await copy.append(await storage.audit({ limit: 10 }));
  await copy.close();
  await close();
}

beforeAll(async () => {
  world = await openWorld();
  await record();
});
afterAll(() => world.close());

const audit = (...argv: string[]) => world.run('operator', ['audit', ...argv]);
const actions = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).action);

describe('hallmark audit', () => {
  test('shows who did what, the newest last, and no name steers the terminal', async () => {
    for (const where of [
      ['--data', data],
      ['--file', file],
    ]) {
      const { exitCode, stdout } = await audit(...where);
      const rows = stdout
        .trimEnd()
        .split('\n')
        .map((row) => row.split(/ {3,}/));

      expect(exitCode).toBe(0);
      expect(rows[0]).toEqual(['TIME', 'ACTION', 'REPOSITORY', 'ACTOR', 'ADDRESS', 'DETAIL']);
      expect(rows.slice(1).map((row) => row.slice(1))).toEqual([
        ['publish', 'example.com/app', 'ann', '192.0.2.1', 'targets 2'],
        ['refused', 'example.com/app', 'ann', '192.0.2.1', 'code=VERSION'],
        ['delete', 'example.com/other', 'b [31mob', '-', 'removed=3'],
      ]);
    }
  });

  test.each([
    [
      ['--gun', 'example.com/app'],
      ['publish', 'refused'],
    ],
    [['--actor', 'ann', '--action', 'publish', '--action', 'delete'], ['publish']],
    [
      ['--since', '2d'],
      ['refused', 'delete'],
    ],
    [['--since', '4h', '--until', '2h'], ['refused']],
    [['--until', '2020-01-01'], []],
    [['--limit', '1'], ['delete']],
    [
      ['--limit', '2'],
      ['refused', 'delete'],
    ],
  ])('%p lets through %p, from the table and from a file', async (filter, expected) => {
    expect(actions((await audit('--json', '--data', data, ...filter)).stdout)).toEqual(expected);
    expect(actions((await audit('--json', '--file', file, ...filter)).stdout)).toEqual(expected);
  });

  test('--verify tells a whole file from one that was changed', async () => {
    const whole = await audit('--file', file, '--verify');
    const changed = join(world.directory, 'changed.jsonl');
    writeFileSync(changed, readFileSync(file, 'utf8').replace('"ann"', '"eve"'));
    const refused = await audit('--file', changed, '--verify');

    expect(whole).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/3 entries after 0, whole up to 3 [0-9a-f]{64}\n$/),
    });
    expect(refused).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining('line 2 does not follow'),
    });
  });

  test.each([
    [[]],
    [['--data', 'x', '--file', 'y']],
    [['--file', 'x', '--limit', '0']],
    [['--file', 'x', '--since', 'yesterday']],
    [['--data', '/nonexistent']],
    [['--data', 'x', '--verify']],
  ])('%p is a mistake of the command line', async (argv) => {
    expect(await audit(...argv)).toMatchObject({ exitCode: 2, stdout: '' });
  });

  test('a file that is missing, or none of an audit log, is told by its name', async () => {
    const other = join(world.directory, 'other.txt');
    writeFileSync(other, 'something else\n');
    for (const path of [other, join(world.directory, 'missing')]) {
      expect(await audit('--file', path)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(path) });
    }
  });
});

describe('AuditFileTail', () => {
  test('gives what is added, each entry once, also after a rotation; half a line waits for its end', async () => {
    const path = join(world.directory, 'tail.jsonl');
    const line = (id: number): AuditLine => ({
      id: String(id),
      at: ago(0),
      actor: { name: 'ann' },
      action: 'x',
      detail: {},
    });
    const tail = new AuditFileTail(path);
    const next = async () => (await tail.next()).map(({ id }) => id);
    expect(await next()).toEqual([]);
    const first = await AuditFile.open(path);
    await first.append([line(1), line(2)]);
    expect([await next(), await next()]).toEqual([['1', '2'], []]);
    await first.append([line(3)]);
    const whole = readFileSync(path);
    writeFileSync(path, whole.subarray(0, whole.length - 5));
    expect(await next()).toEqual([]);
    writeFileSync(path, whole);
    expect(await next()).toEqual(['3']);
    await first.close();
    writeFileSync(path, '');
    const second = await AuditFile.open(path, { position: 3, hash: '0'.repeat(64) });
    await second.append([line(4)]);
    await second.close();

    expect(await next()).toEqual(['4']);
  });
});
