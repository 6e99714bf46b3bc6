// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type CommandModel, programModel } from '../../src/cli/reference/index.ts';
import { type Block, blocksOf, runBlocks, withoutDigests } from './support/document-blocks.ts';
import { promise } from './support/journal.ts';
import { repositoryRoot } from './support/programs.ts';
import { Stage } from './support/stage.ts';
import { PASSPHRASES } from './support/users.ts';

const PORTS = [5000, 4443];
const stages: Stage[] = [];
afterAll(() => Promise.all(stages.map((stage) => stage.close())));

async function expectBlocksToRun(
  blocks: readonly Block[],
  variables?: Readonly<Record<string, string>>,
  prepare: (home: string) => void = () => {},
): Promise<void> {
  const stage = new Stage();
  stages.push(stage);
  prepare(stage.makeDirectory('home'));
  const outcomes = await runBlocks(stage, blocks, PORTS, variables);
  for (const { block, code, stdout, stderr } of outcomes) {
    expect({ line: block.line, script: block.script, code, stderr: code === 0 ? '' : stderr }).toMatchObject({
      line: block.line,
      code: 0,
      stderr: '',
    });
    if (block.expected !== undefined) expect(withoutDigests(stdout)).toBe(withoutDigests(block.expected));
  }
}

/** The image that README has on hand, as `docker save` writes one. */
function makeImageFile(home: string): void {
  const layer = join(home, 'layer.tar');
  writeFileSync(join(home, 'hello.txt'), 'hello\n');
  spawnSync('tar', ['-cf', layer, '-C', home, 'hello.txt']);
  const diffId = `sha256:${createHash('sha256').update(readFileSync(layer)).digest('hex')}`;
  const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [diffId] } };
  writeFileSync(join(home, 'config.json'), JSON.stringify(config));
  const manifest = [{ Config: 'config.json', RepoTags: ['app:1.0'], Layers: ['layer.tar'] }];
  writeFileSync(join(home, 'manifest.json'), JSON.stringify(manifest));
  spawnSync('tar', ['-cf', join(home, 'app.tar'), '-C', home, 'manifest.json', 'config.json', 'layer.tar']);
}

/** The words after `hallmark` wherever a page has it as code; faces of other programs have words of their own. */
function commandsIn(page: string): readonly (readonly string[])[] {
  const text = readFileSync(join(repositoryRoot, page), 'utf8').replaceAll('\\\n', ' ');
  const fenced = [...text.matchAll(/^```(?:sh|text)\n([\s\S]*?)^```$/gm)].flatMap((block) =>
    (block[1] ?? '').split('\n'),
  );
  const inline = [...text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/`([^`]+)`/g)].map((code) => code[1] ?? '');
  return [...fenced, ...inline].flatMap((code) => {
    const words = /^\s*hallmark (.+)$/
      .exec(code.replace(/\s[#&>].*$/, ''))?.[1]
      ?.trim()
      .split(/\s+/);
    return words === undefined || /^(notary|docker-trust|docker)$/.test(words[0] ?? '') ? [] : [words];
  });
}

function isCallable(
  words: readonly string[],
  model: CommandModel,
  everywhere: ReadonlySet<string | undefined>,
): boolean {
  let [command, rest] = [model, words];
  while (rest[0]?.startsWith('--')) rest = rest.slice(2);
  for (let child = find(command, rest[0]); child !== undefined; child = find(command, rest[0]))
    [command, rest] = [child, rest.slice(1)];
  // `hallmark --server URL` tells of an option, `hallmark delegation …` of a group, and `signer` is a command with others below
  const isGroup = rest[0] === undefined || rest[0] === '…' || rest[0].startsWith('--');
  const isNamed = command.commands.length === 0 || isGroup;
  const isOwn = (option: string) => command.options.some(({ long, short }) => option === long || option === short);
  const options = words.filter((word) => /^--?[a-z]/.test(word));
  return isNamed && options.every((option) => everywhere.has(option) || isOwn(option));
}

function find({ commands }: CommandModel, word: string | undefined): CommandModel | undefined {
  return commands.find(({ path }) => path.at(-1) === word);
}

const isOfNpm = ({ script }: Block) => script.startsWith('npm ci');

describe('documents', () => {
  promise('every block of the tutorial runs as it is written, and prints what it says', async () => {
    const blocks = blocksOf('docs/tutorial.md');
    expect(blocks.length).toBeGreaterThan(10);
    await expectBlocksToRun(blocks);
  });

  promise('every block of README runs; its commands of npm are those that .ci/run runs', async () => {
    const blocks = blocksOf('README.md');
    const script = readFileSync(join(repositoryRoot, '.ci/run'), 'utf8');
    const commands = blocks.filter(isOfNpm).flatMap((block) => block.script.trim().split(' && '));
    expect(commands).toEqual(['npm ci', 'npm run demo', 'npm ci', 'npm test']);
    for (const command of commands) expect(script).toMatch(new RegExp(`^(need|check|tests)( \\S+)? ${command}$`, 'm'));
    await expectBlocksToRun(
      blocks.filter((block) => !isOfNpm(block)),
      PASSPHRASES,
      makeImageFile,
    );
  });

  promise('the guide to enforcement: its policy can be used, and each engine gets its files', async () => {
    const guide = 'docs/how-to/enforce.md';
    const policy = /^```yaml\n([\s\S]*?)^```$/m.exec(readFileSync(join(repositoryRoot, guide), 'utf8'))?.[1] ?? '';
    const check = { line: 0, script: 'hallmark policy check policy.yaml\n', expected: undefined };
    const write = (home: string) => writeFileSync(join(home, 'policy.yaml'), policy, { mode: 0o600 });
    await expectBlocksToRun([check, ...blocksOf(guide)], {}, write);
  });

  test('every command and option that the guides name exists', async () => {
    const model = await programModel();
    const everywhere = new Set(model.options.flatMap(({ long, short }) => [long, short]));
    const guides = readdirSync(join(repositoryRoot, 'docs/how-to')).map((name) => join('docs/how-to', name));
    const wrong = ['README.md', 'docs/import.md', 'docs/archive.md', ...guides].flatMap((page) =>
      commandsIn(page)
        .filter((words) => !isCallable(words, model, everywhere))
        .map((words) => `${page}: hallmark ${words.join(' ')}`),
    );
    expect(wrong).toEqual([]);
  });

  test('every link of a document to a file of the project leads somewhere', () => {
    const pages = readdirSync(join(repositoryRoot, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join('docs', name));
    const broken = ['README.md', ...pages].flatMap((page) => {
      const text = readFileSync(join(repositoryRoot, page), 'utf8');
      const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? '');
      return links
        .filter((link) => !/^[a-z]+:/.test(link) && !existsSync(join(repositoryRoot, dirname(page), link)))
        .map((link) => `${page}: ${link}`);
    });
    expect(broken).toEqual([]);
  });
});
