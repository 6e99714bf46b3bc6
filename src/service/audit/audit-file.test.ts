// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { MemoryCoordination } from '../coordination/index.ts';
import { SILENT_LOG } from '../log.ts';
import {
  AuditFile,
  type AuditLine,
  type AuditLineQuery,
  AuditWriter,
  readAuditFile,
  verifyAuditFile,
} from './index.ts';
import { AuditFileError } from './lines.ts';

const directory = mkdtempSync(join(tmpdir(), 'hallmark-audit-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const fresh = () => join(mkdtempSync(join(directory, 'a-')), 'audit.jsonl');

function line(id: number, gun = 'a/b'): AuditLine {
  const actor = { name: 'ann', address: '192.0.2.1', requestId: `r${id}` };
  return { id: String(id), at: new Date(1_800_000_000_000 + id), actor, action: 'publish', gun, detail: { n: id } };
}

async function written(...ids: readonly number[]): Promise<string> {
  const path = fresh();
  const file = await AuditFile.open(path);
  await file.append(ids.map((id) => line(id)));
  await file.close();
  return path;
}

async function entriesOf(path: string): Promise<readonly AuditLine[]> {
  return Array.fromAsync(readAuditFile(path));
}

const linesOf = (path: string) => readFileSync(path, 'utf8').trimEnd().split('\n');

describe('an audit file', () => {
  test('gives back what was written, is private, and its chain holds', async () => {
    const path = await written(1, 2, 5);

    expect(await entriesOf(path)).toEqual([line(1), line(2), line(5)]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await verifyAuditFile(path)).toMatchObject({ entries: 3, start: { position: 0 }, head: { position: 5 } });
  });

  test('names and details of any kind stay on their line', async () => {
    const path = fresh();
    const file = await AuditFile.open(path);
    const gun = 'a\n"\u2028\u0085\r/b';
    await file.append([line(1, gun), { ...line(2), actor: { name: '\u0000' } }]);
    await file.close();

    const [first, second] = await entriesOf(path);
    expect([first?.gun, second?.actor]).toEqual([gun, { name: '\u0000' }]);
    expect((await verifyAuditFile(path)).entries).toBe(2);
  });

  test('goes on after a restart where it was', async () => {
    const path = await written(1, 2);
    const again = await AuditFile.open(path);
    expect(again.position).toBe(2);
    await again.append([line(3)]);
    await again.close();

    expect((await verifyAuditFile(path)).entries).toBe(3);
  });

  test('half a line that a crash left is taken away, and the entry is written again', async () => {
    const path = await written(1);
    appendFileSync(path, '{"id":"2","at":"20');
    const again = await AuditFile.open(path);
    expect(again.position).toBe(1);
    await again.append([line(2)]);
    await again.close();

    expect(await entriesOf(path)).toEqual([line(1), line(2)]);
    expect((await verifyAuditFile(path)).entries).toBe(2);
  });

  test('a first line that a crash cut off is no file yet', async () => {
    const path = fresh();
    writeFileSync(path, '{"audit":"hall');
    await (await AuditFile.open(path)).close();

    expect((await verifyAuditFile(path)).entries).toBe(0);
  });

  test('a file of another kind is left as it is', async () => {
    const path = fresh();
    writeFileSync(path, 'root:x:0:0\n');

    await expect(AuditFile.open(path)).rejects.toThrow(AuditFileError);
    expect(readFileSync(path, 'utf8')).toBe('root:x:0:0\n');
  });

  test('two programs that write one file are told, before they spoil it', async () => {
    const path = await written(1);
    const [one, two] = [await AuditFile.open(path), await AuditFile.open(path)];
    await one.append([line(2)]);

    await expect(two.append([line(2)])).rejects.toThrow('another program wrote');
    await Promise.all([one.close(), two.close()]);
    expect((await verifyAuditFile(path)).entries).toBe(2);
  });
});

describe('a file that was changed is found out', () => {
  test.each([
    ['a word of an entry', (lines: string[]) => lines.with(2, String(lines[2]).replace('ann', 'bob'))],
    ['an entry taken out', (lines: string[]) => lines.toSpliced(2, 1)],
    ['an entry put in', (lines: string[]) => lines.toSpliced(2, 0, String(lines[1]))],
    ['two entries changed places', (lines: string[]) => [lines[0], lines[2], lines[1], lines[3]] as string[]],
    ['the beginning taken away', (lines: string[]) => lines.slice(1)],
    ['a second header', (lines: string[]) => [...lines, String(lines[0])]],
    ['a blank line', (lines: string[]) => [...lines, '']],
    ['everything', () => []],
  ])('%s', async (_, change) => {
    const path = await written(1, 2, 3);
    writeFileSync(
      path,
      change(linesOf(path))
        .map((text) => `${text}\n`)
        .join(''),
    );

    await expect(verifyAuditFile(path)).rejects.toThrow(AuditFileError);
  });

  test('any one byte', async () => {
    const path = await written(1, 2);
    const bytes = readFileSync(path);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 2), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        writeFileSync(path, bytes.with(at, (bytes[at] ?? 0) ^ flip));
        await expect(verifyAuditFile(path)).rejects.toThrow(AuditFileError);
      }),
      { numRuns: 60 },
    );
  });

  test('lines taken from the end, by the head that was noted before', async () => {
    const path = await written(1, 2, 3);
    const { head } = await verifyAuditFile(path);
    writeFileSync(path, `${linesOf(path).slice(0, -1).join('\n')}\n`);

    expect((await verifyAuditFile(path)).head).not.toEqual(head);
  });
});

class Table {
  readonly lines: AuditLine[] = [];

  async audit({ after = 0, limit }: AuditLineQuery): Promise<readonly AuditLine[]> {
    return this.lines
      .filter(({ id }) => Number(id) > after)
      .sort((a, b) => Number(a.id) - Number(b.id))
      .slice(0, limit);
  }
}

function stage() {
  let now = 0;
  const [source, coordination, path] = [new Table(), new MemoryCoordination(), fresh()];
  const options = { source, path, coordination, name: 'host', log: SILENT_LOG, elapsed: () => now };
  const wait = (ms: number) => {
    now += ms;
  };
  return { source, path, open: () => AuditWriter.open(options), wait };
}

describe('AuditWriter', () => {
  test('copies the table as it grows, and nothing twice', async () => {
    const { source, path, open } = stage();
    source.lines.push(line(1));
    const writer = await open();
    await writer.step();
    source.lines.push(line(2));
    await writer.step();
    await writer.stop();
    await (await open()).stop();

    expect(await entriesOf(path)).toEqual([line(1), line(2)]);
  });

  test('an entry that becomes visible after a later one is not lost', async () => {
    const { source, path, open, wait } = stage();
    source.lines.push(line(1), line(3));
    const writer = await open();
    await writer.step();
    expect(await entriesOf(path)).toEqual([line(1)]);
    wait(5000);
    source.lines.push(line(2));
    await writer.step();
    await writer.stop();

    expect(await entriesOf(path)).toEqual([line(1), line(2), line(3)]);
  });

  test('an entry that never was holds up the others for half a minute', async () => {
    const { source, path, open, wait } = stage();
    source.lines.push(line(1), line(3));
    const writer = await open();
    await writer.step();
    wait(29_999);
    await writer.step();
    expect(await entriesOf(path)).toEqual([line(1)]);
    wait(1);
    await writer.step();
    await writer.stop();

    expect(await entriesOf(path)).toEqual([line(1), line(3)]);
  });

  test('where the database counts in steps, as Galera does, everything waits at once', async () => {
    const { source, path, open, wait } = stage();
    const odd = Array.from({ length: 3000 }, (_, index) => line(2 * index + 1));
    source.lines.push(...odd);
    const writer = await open();
    // more than a batch, so it takes some looks until all has been seen
    for (let look = 0; look < 5; look++) await writer.step();
    expect(await entriesOf(path)).toEqual([line(1)]);
    wait(30_000);
    while ((await writer.step()) === 0);
    await writer.stop();

    expect(await entriesOf(path)).toEqual(odd);
  });

  test('what came behind a gap later has its own half minute', async () => {
    const { source, path, open, wait } = stage();
    source.lines.push(line(1), line(3));
    const writer = await open();
    await writer.step();
    wait(20_000);
    source.lines.push(line(5));
    await writer.step();
    wait(10_000);
    await writer.step();
    expect(await entriesOf(path)).toEqual([line(1), line(3)]);
    wait(19_999);
    source.lines.push(line(4));
    await writer.step();
    await writer.stop();

    expect(await entriesOf(path)).toEqual([line(1), line(3), line(4), line(5)]);
  });

  test('log rotation by renaming: the new file goes on from the old one, and says so', async () => {
    const { source, path, open } = stage();
    source.lines.push(line(1));
    const writer = await open();
    await writer.step();
    renameSync(path, `${path}.1`);
    source.lines.push(line(2));
    await writer.step();
    await writer.stop();

    const old = await verifyAuditFile(`${path}.1`);
    expect(await verifyAuditFile(path, old.head)).toMatchObject({ entries: 1, start: old.head });
    expect(await entriesOf(path)).toEqual([line(2)]);
    await expect(verifyAuditFile(`${path}.1`, old.head)).rejects.toThrow('does not go on from');
  });

  test('rotation while nobody writes: nothing is written again, and the break in the chain shows', async () => {
    const { source, path, open } = stage();
    source.lines.push(line(1));
    const first = await open();
    await first.step();
    await first.stop();
    renameSync(path, `${path}.1`);
    source.lines.push(line(2));
    await (await open()).stop();

    expect(await entriesOf(path)).toEqual([line(2)]);
    const old = await verifyAuditFile(`${path}.1`);
    await expect(verifyAuditFile(path, old.head)).rejects.toThrow('does not go on from');
  });
});
