// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** What every enforcement point may import: it turns a request into one decision of the policy. */
const ENFORCES = ['policy', 'registry', 'engine', 'client', 'report', 'service', 'tuf', 'encoding'];
const LAB = [
  'client',
  'publisher',
  'signing',
  'registry',
  'engine',
  'report',
  'policy',
  'service',
  'server',
  'signer',
  'gateway',
  'admission',
  'engine-proxy',
  'image-verifier',
  'console',
  'tuf',
  'encoding',
];

/** What each folder of src may import beside itself: the architecture's law (docs/architecture.md). */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  encoding: [],
  tuf: ['encoding'],
  // service: the database of service-keys, which the library does not have
  signing: ['service', 'tuf', 'encoding'],
  client: ['tuf', 'encoding'],
  registry: ['tuf', 'encoding'],
  report: ['tuf', 'encoding'],
  publisher: ['client', 'signing', 'tuf', 'encoding'],
  engine: ['registry', 'encoding'],
  policy: ['client', 'report', 'registry', 'tuf', 'encoding'],
  service: ['encoding'],
  server: ['tuf', 'signing', 'service', 'encoding'],
  signer: ['tuf', 'signing', 'service', 'encoding'],
  gateway: ENFORCES,
  admission: ENFORCES,
  'engine-proxy': ENFORCES,
  'image-verifier': ENFORCES,
  console: ['client', 'report', 'service', 'tuf', 'encoding'],
  lab: LAB,
  cli: [...LAB, 'lab'],
};
const PURE = ['encoding', 'tuf'];
const PURE_MAY_USE = ['node:crypto'];
const FORBIDDEN_NAMES = /(^|\/)(utils?|helpers?|common|managers?)(\/|\.|-|$)/i;
const MAX_LINES = 400;
/** `export { a, type B } from '…';` */
const LISTS = /^export (?:type )?\{([^}]*)\}.*$/gm;
/** What the library shows whole is for others to use. */
const SHOWN = /^src\/(?:client|publisher|report|signing)\/index\.ts$/;

const root = resolve(import.meta.dir, '..');
const src = join(root, 'src');
const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({
    file,
    folder: file.includes('/') ? (file.split('/')[0] as string) : '',
    text: readFileSync(join(src, file), 'utf8'),
  }));
const isTest = (file: string) => file.endsWith('.test.ts');
const isProduct = (file: string) => /^(?:src|bin|scripts)\//.test(file) && !/\.(?:test|contract)\.ts$/.test(file);
/** Whoever may ask src for a name, without comments, and how often which word stands there. */
const askers = ['src', 'bin', 'scripts', 'bench', 'test'].flatMap((top) =>
  readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => askerOf(`${top}/${file}`)),
);

function askerOf(file: string) {
  const text = readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const words = new Map<string, number>();
  // to pass a name on is no use of it, but to show it to the library's users is
  const own = file === 'src/index.ts' ? text : text.replace(LISTS, '');
  for (const word of own.split(/\W+/)) words.set(word, (words.get(word) ?? 0) + 1);
  return {
    file,
    text,
    words,
    mentions: new Set(text.split(/\W+/)),
    paths: new Set(importsOf(relative('src', file), text)),
  };
}

function importsOf(file: string, text: string): string[] {
  const found = [...text.matchAll(/(?:from\s+|import\s*\(\s*|import\s+)'([^']+)'/g)].map((match) => match[1] as string);
  return found.map((name) => (name.startsWith('.') ? relative(root, resolve(src, file, '..', name)) : name));
}

/** The names that a file passes on, as they are called outside. */
function listedNames(text: string): string[] {
  return [...text.matchAll(LISTS)]
    .flatMap(([, list = '']) => list.split(','))
    .flatMap((item) => /(\w+)\s*$/.exec(item)?.[1] ?? []);
}

describe('architecture', () => {
  test('every folder of src has its row in the import table and an index.ts', () => {
    const folders = [...new Set(sources.map((source) => source.folder).filter((folder) => folder !== ''))].sort();
    expect(folders.filter((folder) => !(folder in MAY_IMPORT))).toEqual([]);
    expect(folders.filter((folder) => !sources.some((source) => source.file === `${folder}/index.ts`))).toEqual([]);
  });

  test('a folder imports only what the table allows', () => {
    const broken = sources
      .filter(({ file, folder }) => !isTest(file) && folder !== '')
      .flatMap(({ file, folder, text }) =>
        importsOf(file, text)
          .filter((name) => name.startsWith('src/'))
          .map((name) => name.split('/')[1] as string)
          .filter((other) => other !== folder && !(MAY_IMPORT[folder] ?? []).includes(other))
          .map((other) => `${file} imports ${other}`),
      );
    expect(broken).toEqual([]);
  });

  test('a folder is entered by its index.ts alone', () => {
    const broken = sources
      .filter(({ file, folder }) => !isTest(file) && folder !== '')
      .flatMap(({ file, folder, text }) =>
        importsOf(file, text)
          .filter((name) => name.startsWith('src/') && name.split('/')[1] !== folder)
          .filter((name) => !/^src\/[^/]+\/index\.ts$/.test(name) && !/^src\/[^/]+\/[^/]+\/index\.ts$/.test(name))
          .map((name) => `${file} imports ${name}`),
      );
    expect(broken).toEqual([]);
  });

  test('an index.ts lists nothing that nobody outside its folder asks for', () => {
    const idle = askers
      .filter(({ file }) => /^src\/.*\/index\.ts$/.test(file) && !SHOWN.test(file))
      .flatMap(({ file, text }) => {
        const visitors = askers.filter((other) => dirname(other.file) !== dirname(file) && other.paths.has(file));
        return listedNames(text)
          .filter((name) => !visitors.some(({ mentions }) => mentions.has(name)))
          .map((name) => `${file} lists ${name}`);
      });
    expect(idle).toEqual([]);
  });

  test('a value that src exports is asked for by another file, and used by more than tests', () => {
    const filesWith = Map.groupBy(
      askers.flatMap(({ file, words }) => [...words.keys()].map((word) => ({ word, file }))),
      ({ word }) => word,
    );
    const idle = askers
      .filter(({ file }) => file.startsWith('src/') && isProduct(file))
      .flatMap(({ file, text, words }) =>
        [...text.matchAll(/^export (?:abstract )?(?:async )?(?:function\*?|class|const) (\w+)/gm)].flatMap(
          ([, name = '']) => {
            const users = (filesWith.get(name) ?? []).filter((user) => user.file !== file);
            if (users.length === 0) return [`nobody asks ${file} for ${name}`];
            const isUsed = (words.get(name) ?? 0) > 1 || users.some((user) => isProduct(user.file));
            return isUsed ? [] : [`only tests use ${name} of ${file}`];
          },
        ),
      );
    expect(idle).toEqual([]);
  });

  test('no import cycle between files, not of types alone either', () => {
    const graph = new Map(
      askers
        .filter(({ file }) => file.startsWith('src/'))
        .map(({ file, paths }) => [file, [...paths].filter((name) => name.startsWith('src/'))]),
    );
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      if (done.has(file) || path.includes(file)) return;
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of graph.keys()) visit(file, []);
    expect(cycles).toEqual([]);
  });

  test('encoding and tuf have no input, output, clock, logger or dependency', () => {
    const pure = sources.filter(({ file, folder }) => PURE.includes(folder) && !isTest(file));
    const foreign = pure.flatMap(({ file, text }) =>
      importsOf(file, text)
        .filter((name) => !name.startsWith('src/') && !PURE_MAY_USE.includes(name))
        .map((name) => `${file} imports ${name}`),
    );
    const impure = pure
      .filter(({ text }) =>
        /\bDate\.now\(|\bnew Date\(\)|\bfetch\(|\bconsole\.|\bprocess\.|\bBun\.|\basync\b|\bsetTimeout\b/.test(text),
      )
      .map(({ file }) => file);
    expect(foreign).toEqual([]);
    expect(impure).toEqual([]);
  });

  test('outside dialects, src/tuf never says notary, but to name the dialect', () => {
    const named = sources
      .filter(({ file, folder }) => folder === 'tuf' && !file.startsWith('tuf/dialects/') && !isTest(file))
      .filter(({ text }) => /notary/i.test(text.replaceAll(/notary-v1|notaryV1/g, '')))
      .map(({ file }) => file);
    expect(named).toEqual([]);
  });

  test('the library face needs no Bun', () => {
    const seen = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      const source = sources.find((candidate) => `src/${candidate.file}` === file);
      if (source !== undefined) for (const next of importsOf(source.file, source.text)) visit(next);
    };
    visit('src/index.ts');
    expect([...seen].filter((name) => name.startsWith('bun'))).toEqual([]);
    expect(
      sources.filter(({ file, text }) => seen.has(`src/${file}`) && /\bBun\./.test(text)).map(({ file }) => file),
    ).toEqual([]);
  });

  test('files are small and named after what they hold', () => {
    expect(sources.filter(({ text }) => text.split('\n').length > MAX_LINES + 1).map(({ file }) => file)).toEqual([]);
    expect(sources.map(({ file }) => file).filter((file) => FORBIDDEN_NAMES.test(file))).toEqual([]);
    expect(sources.map(({ file }) => file).filter((file) => !/^[a-z0-9/.-]+$/.test(file))).toEqual([]);
    expect(sources.filter(({ text }) => /^export default/m.test(text)).map(({ file }) => file)).toEqual([]);
  });

  test('what is expected of a promise is waited for', () => {
    const unawaited = /(await |return |=> |\[)?\bexpect\((?:(?!\bexpect\()[^;])*?\)\s*\.(?:rejects|resolves)\b/g;
    const found = askers.flatMap(({ file, text }) =>
      [...text.matchAll(unawaited)].filter(([, before]) => before === undefined).map(([text]) => `${file}: ${text}`),
    );
    expect(found).toEqual([]);
  });
});
