// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

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

function importsOf(file: string, text: string): string[] {
  const found = [...text.matchAll(/(?:from\s+|import\s*\(\s*|import\s+)'([^']+)'/g)].map((match) => match[1] as string);
  return found.map((name) => (name.startsWith('.') ? relative(root, resolve(src, file, '..', name)) : name));
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

  test('no import cycle between files', () => {
    const graph = new Map(
      sources.map(({ file, text }) => [
        `src/${file}`,
        importsOf(file, text.replace(/^(?:import|export) type [^;]*;$/gm, '')).filter((name) =>
          name.startsWith('src/'),
        ),
      ]),
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
});
