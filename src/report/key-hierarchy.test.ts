// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { TestClient } from '../../test/support/client.ts';
import { GUN, NOW, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { makeKey } from '../../test/support/test-keys.ts';
import { TARGETS } from '../tuf/index.ts';
import {
  type HierarchyRole,
  hierarchyMermaid,
  hierarchySvg,
  hierarchyTree,
  keyHierarchy,
  standingOf,
} from './index.ts';

const DAY = 86_400_000;

/** What a client shows of a repository after one refresh. */
async function shown(repository: RepositorySimulator, now = NOW) {
  const client = new TestClient(repository, { now });
  const { targets, refused } = await client.refresh();
  return keyHierarchy(GUN, targets, refused);
}

function roleOf(role: HierarchyRole, name: string): HierarchyRole | undefined {
  if (role.role === name) return role;
  return role.children.map((child) => roleOf(child, name)).find((found) => found !== undefined);
}

async function teamRepository(): Promise<RepositorySimulator> {
  const repository = await RepositorySimulator.create();
  repository
    .tag('1.0')
    .delegate('targets/releases')
    .delegate('targets/alice', { keys: [makeKey(), makeKey()] });
  repository.delegate('targets/bob', { paths: ['nightly-'] });
  return repository.tag('1.1', '1.1', 'targets/releases').tag('1.1', '1.1', 'targets/alice').publish();
}

describe('key hierarchy', () => {
  test('shows every role below the one that names its keys, with what it signed', async () => {
    const { root } = await shown(await teamRepository());

    expect(root.children.map(({ role }) => role as string)).toEqual(['targets', 'snapshot', 'timestamp']);
    expect(root.children[0]?.children.map(({ role }) => role as string)).toEqual([
      'targets/releases',
      'targets/alice',
      'targets/bob',
    ]);
    expect(roleOf(root, 'targets/releases')?.file?.tags).toEqual(['1.1']);
    expect(roleOf(root, 'targets/bob')).toMatchObject({ paths: ['nightly-'] });
    expect(roleOf(root, 'targets/bob')?.file).toBeUndefined();
  });

  test('S23 a delegation of any number of paths is a picture of some of them', async () => {
    const repository = await teamRepository();
    const paths = Array.from({ length: 100_000 }, (_, at) => `nightly-${at}-`);
    repository
      .delegate('targets/many', { paths })
      .delegate('targets/long', { paths: ['x'.repeat(1_000_000)] })
      .publish();
    const hierarchy = await shown(repository);
    for (const draw of [hierarchyTree, hierarchySvg, hierarchyMermaid]) {
      const picture = draw(hierarchy, NOW);
      expect(picture).toContain('99995 more');
      expect(picture.length).toBeLessThan(20_000);
    }
  });

  test('tells which of the keys signed', async () => {
    const { root } = await shown(await teamRepository());
    expect(root.keys[0]).toMatchObject({ algorithm: 'ecdsa', signed: true });
    expect(root.keys[0]?.certificateExpires).toBeInstanceOf(Date);
    expect(roleOf(root, 'targets/bob')?.keys.map(({ signed }) => signed)).toEqual([false]);
  });

  test('shows a refused delegation as refused, and never its tags', async () => {
    const repository = await teamRepository();
    repository.set('targets/alice', { expires: new Date(NOW.getTime() - 1) }).publish();
    const alice = roleOf((await shown(repository)).root, 'targets/alice');

    expect(alice?.refused).toContain('expired');
    expect(alice?.file).toBeUndefined();
    expect(alice && standingOf(alice, NOW)).toBe('refused');
  });

  test('what ends within a month stands out, a timestamp within three days', async () => {
    const { root } = await shown(await teamRepository());
    const timestamp = roleOf(root, 'timestamp') as HierarchyRole;
    expect(standingOf(timestamp, NOW)).toBe('valid');
    expect(standingOf(timestamp, new Date(NOW.getTime() + 12 * DAY))).toBe('soon');
    expect(standingOf({ ...timestamp, role: TARGETS }, NOW)).toBe('soon');
    expect(standingOf(timestamp, new Date(NOW.getTime() + 15 * DAY))).toBe('expired');
    expect(standingOf(root, NOW)).toBe('valid');
  });
});

describe('pictures of the hierarchy', () => {
  test('the tree has a line for each role, and words for what is wrong', async () => {
    const hierarchy = await shown(await teamRepository());
    const tree = hierarchyTree(hierarchy, NOW).split('\n');

    expect(tree[0]).toBe(GUN);
    expect(tree[1]).toMatch(/^└─ root: version 1, until \d{4}-\d\d-\d\d \(3650 days\)$/);
    expect(tree.some((line) => /^ {3}├─ targets: version 2, until /.test(line))).toBe(true);
    expect(tree.some((line) => /^ {3}│ {2}└─ targets\/bob: has signed nothing yet$/.test(line))).toBe(true);
    expect(hierarchyTree(hierarchy, new Date(NOW.getTime() + 20 * DAY))).toMatch(/timestamp: version \d, EXPIRED /);
  });

  test('S22 a tag whose name would turn the text, begin a line or end a label stays a name', async () => {
    const repository = (await RepositorySimulator.create()).tag('plain');
    const evil = 'a\u202e\u2028└─ root</text><script>"]';
    // past the check of a publisher of ours: another program may sign such a name
    repository.edit(TARGETS, (signed) => ({
      ...signed,
      targets: new Map([...signed.targets].map(([, file]) => [evil, file])),
    }));
    const hierarchy = await shown(repository.publish());

    const tree = hierarchyTree(hierarchy, NOW);
    expect(tree.split('\n').filter((line) => /[\p{Cf}\p{Zl}]/u.test(line))).toEqual([]);
    expect(tree.match(/─ root/g)).toHaveLength(2);
    for (const picture of [hierarchySvg(hierarchy, NOW), hierarchyMermaid(hierarchy, NOW)]) {
      expect(picture.split('\n').filter((line) => /[\p{Cf}\p{Zl}]/u.test(line))).toEqual([]);
      expect(picture).not.toContain('<script');
    }
    expect(hierarchyMermaid(hierarchy, NOW).match(/"/g)).toHaveLength(8);
  });

  test('the SVG stands alone: no script, no external resource, a title for who cannot see it', async () => {
    const svg = hierarchySvg(await shown(await teamRepository()), NOW);
    expect(svg).toContain(`<title>Keys of ${GUN}</title>`);
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|<script|href/);
    expect(svg.match(/<g class="/g)).toHaveLength(7);
    expect(svg.match(/<path d="/g)).toHaveLength(6);
  });

  test('the Mermaid chart has an edge from each delegator to its role', async () => {
    const chart = hierarchyMermaid(await shown(await teamRepository()), NOW);
    expect(chart.startsWith('flowchart TD\n')).toBe(true);
    expect(chart.match(/ --> /g)).toHaveLength(6);
  });
});
