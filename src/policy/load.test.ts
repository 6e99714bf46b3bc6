// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { scratchDirectories } from '../../test/support/scratch.ts';
import { loadPolicy, PolicyError, parsePolicy, policySchema } from './index.ts';

const fresh = scratchDirectories();

function findingsOf(yaml: string): readonly string[] {
  try {
    parsePolicy(yaml, join(fresh(), 'policy.yaml'));
    return [];
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return error.findings.map(({ place, message }) => `${place}: ${message}`);
  }
}

const withRule = (terms: string) => `version: 1\nrules: [{ images: r.io/x, ${terms} }]`;

describe('a policy file', () => {
  test.each([
    ['an empty file', '', ': invalid input'],
    ['another version', 'version: 2', 'version: '],
    ['a misspelt field', 'version: 1\nrule: []', ': unrecognized key: "rule"'],
    ['a misspelt term', withRule('sigers: [a]'), 'rules[0]: unrecognized key: "sigers"'],
    ['an unknown mode', withRule('mode: lax'), 'rules[0].mode: '],
    ['a span without a unit', withRule('freshness: { max-age: 30 }'), 'rules[0].freshness.max-age: '],
    [
      'a pattern without a registry',
      'version: 1\nrules: [{ images: acme/app }]',
      'rules[0].images: "acme/app" names no',
    ],
    ['no pattern', 'version: 1\nrules: [{ mode: warn }]', 'rules[0].images: '],
    ['a trust server over http', withRule('server: "http://notary.example.com"'), 'rules[0].server: '],
    ['a password in a URL', withRule('server: "https://a:b@notary.example.com"'), 'rules[0].server: '],
    ['more signers than there are', withRule('signers: { at-least: 3, of: [a, b] }'), 'rules[0].signers: 3 of 2'],
    ['one signer twice', withRule('signers: { at-least: 2, of: [a, targets/a] }'), 'rules[0].signers: 2 of 1'],
    ['no signer', withRule('signers: []'), 'rules[0].signers: '],
    ['a term that has no effect', withRule('action: deny, server: "https://x.io"'), 'rules[0].server: has no effect'],
    ['pins that are not there', withRule('pins: none.json'), 'rules[0].pins: there are no pins at'],
    ['a pin that is no key ID', withRule('pins: { keys: { r.io/x: [abc] } }'), 'rules[0].pins: key id is not'],
    ['a CA that is not there', withRule('ca: none.pem'), 'rules[0].ca: cannot read'],
    ['frozen without a floor', withRule('freshness: { frozen: {} }'), 'rules[0].freshness.frozen: names no'],
    ['pinned without a digest', withRule('action: pinned'), 'rules[0].pinned: '],
    ['identity with a wildcard of its own', withRule('identity: docker.io/**'), 'rules[0].identity: '],
    ['identity that is no name', withRule('identity: a//b'), 'rules[0].identity: '],
    ['identity of the default', 'version: 1\ndefault: { identity: a/b }', 'default.identity: '],
    ['a recheck of hours', 'version: 1\nrecheck: 2h', 'recheck: more than 5m'],
    ['a duplicate key', 'version: 1\nversion: 1', ': '],
    ['no YAML', 'version: [1', ': '],
    ['two documents', 'version: 1\n---\nversion: 1', ': '],
    ['a tag of its own', 'version: !!js/function 1', ': '],
    [
      'the same pattern twice',
      'version: 1\nrules: [{ images: [r.io/x, r.io/x] }]',
      'rules: r.io/x and r.io/x are equally',
    ],
    [
      'patterns that tie',
      'version: 1\nrules: [{ images: r.io/a* }, { images: "r.io/*b" }]',
      'rules: r.io/a* and r.io/*b are',
    ],
  ])('S22 %s is an error', (_, yaml, finding) => {
    const found = findingsOf(yaml);
    expect(found).not.toEqual([]);
    expect(found[0]).toStartWith(finding);
  });

  test('all that is wrong is told at once', () => {
    expect(findingsOf('version: 1\nrules: [{ images: a }, { images: r.io/x, ca: no, server: ftp://x }]')).toHaveLength(
      3,
    );
  });

  test('a key without quotes that YAML takes for a number is an error, since its tag would be another: 1.10 is 1.1', () => {
    const pinning = (tag: string) =>
      `version: 1\nrules: [{ images: r.io/x, action: pinned, pinned: { tags: { ${tag}: 'sha256:${'ab'.repeat(32)}' } } }]`;
    for (const tag of ['1.10', '010', '0x10', '1e3', 'true', 'null', '[a]', '? { a: b } '])
      expect(findingsOf(pinning(tag))[0]).toContain('is no text: put it in quotes');
    for (const tag of ["'1.10'", '"010"', '1.10-alpine', '!!str 1.10']) expect(findingsOf(pinning(tag))).toEqual([]);
  });

  test('patterns of the same rank that never meet are no tie', () => {
    expect(findingsOf('version: 1\nrules: [{ images: [r.io/a*, r.io/b*, "r.io/x:1*", "r.io/x:2*"] }]')).toEqual([]);
  });

  test('what weakens it is told', () => {
    const { warnings } = parsePolicy(
      'version: 1\ndefault: { action: allow }\nrules: [{ images: r.io/x, mode: audit }]',
      'policy.yaml',
    );
    expect(warnings).toHaveLength(3);
  });

  test('S23 a small file of aliases does not become a large one', () => {
    const levels = Array.from(
      { length: 12 },
      (_, at) => `a${at}: &a${at} [${Array(9).fill(at === 0 ? 'x' : `*a${at - 1}`)}]`,
    );
    expect(findingsOf(`version: 1\n${levels.join('\n')}`)[0]).toContain('aliases');
  });

  test('S7 one that others may write is refused; so is one that is not there, and a directory', () => {
    const path = join(fresh(), 'policy.yaml');
    writeFileSync(path, 'version: 1');
    chmodSync(path, 0o666);
    expect(() => loadPolicy(path)).toThrow('can be written by others');
    chmodSync(path, 0o644);
    expect(loadPolicy(path).rules.map(({ name, terms }) => [name, terms.kind])).toEqual([['default', 'deny']]);
    expect(() => loadPolicy(`${path}x`)).toThrow(PolicyError);
    expect(() => loadPolicy(resolve(path, '..'))).toThrow(PolicyError);
  });

  test('a rule about a tag that lets any digest through is warned of, since a digest may be asked for under any tag', () => {
    const warned = (terms: string) =>
      parsePolicy(`version: 1\nrules: [{ images: 'a.io/app:dev*', ${terms} }]`, 'policy.yaml').warnings.some(
        (warning) => /^a\.io\/app:dev\*: .*every digest/.test(warning),
      );
    for (const terms of ['action: allow', 'first-use: true, mode: warn', 'first-use: true, digests: any'])
      expect([terms, warned(terms)]).toEqual([terms, true]);
    for (const terms of ['action: deny', 'first-use: true', 'first-use: true, digests: { signed-ever: 2d }'])
      expect([terms, warned(terms)]).toEqual([terms, false]);
  });

  test('S22 whatever the text, the answer is a policy or a PolicyError', () => {
    const words = fc.constantFrom(
      'version: 1',
      'rules:',
      '  - images: a.io/**',
      '    pins: {}',
      '&a',
      '*a',
      '- [',
      '!!set',
      '\t',
      '"',
      ': ',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string()), { maxLength: 8 }), (lines) => {
        findingsOf(lines.join('\n'));
      }),
      { numRuns: 300 },
    );
  });
});

test('the published schema is the one that is applied', () => {
  const published = readFileSync(resolve(import.meta.dir, '../../docs/policy.schema.json'), 'utf8');
  expect(JSON.parse(published)).toEqual(policySchema() as never);
});
