// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandLineWorld, openWorld } from '../../../../test/support/command-line.ts';
import { pushTinyImage } from '../../../../test/support/tiny-image.ts';

let world: CommandLineWorld;
let app: string;

beforeAll(async () => {
  world = await openWorld();
  app = `${world.registryHost}/acme/app`;
  await pushTinyImage(world.registryHost, 'acme/app', '1');
  await pushTinyImage(world.registryHost, 'acme/app', '2');
  expect((await world.run('publisher', ['sign', `${app}:1`])).exitCode).toBe(0);
});
afterAll(() => world.close());

function policy(text: string): string {
  const path = join(world.directory, `policy-${Math.random()}.yaml`);
  writeFileSync(path, text);
  chmodSync(path, 0o600);
  return path;
}
const trusting = (more = '') =>
  policy(`version: 1
rules: [{ images: '${world.registryHost}/**', server: '${world.trustServer}', first-use: true${more} }]`);
const NO_SERVER = { DOCKER_CONTENT_TRUST_SERVER: undefined };

describe('policy explain', () => {
  test('tells each step and the digest; exit code 0, 3 or 1 as of verify', async () => {
    const file = trusting();
    const allowed = await world.run('user', ['policy', 'explain', `${app}:1`, '--policy', file], NO_SERVER);
    expect(allowed.exitCode).toBe(0);
    for (const step of ['rule', 'identity', 'trust data', 'pins', 'freshness', 'signers', 'digest'])
      expect(allowed.stdout).toContain(`  ${step}`);
    const verified = await world.run('user', ['verify', `${app}:1`, '--policy', file], NO_SERVER);
    expect(allowed.stdout).toEndWith(`allowed: ${verified.stdout.trim().split('@')[1]}\n`);
    const refused = await world.run('user', ['policy', 'explain', `${app}:2`, '--policy', file], NO_SERVER);
    expect(refused.exitCode).toBe(3);
    expect(refused.stdout).toEndWith('refused: No valid trust data for 2\ndenied (unsigned)\n');
    expect(refused.stderr).toBe(`error: ${app}:2: denied\n`);
    const nowhere = policy(`version: 1\nrules: [{ images: '**', server: 'http://127.0.0.1:1', first-use: true }]`);
    const silent = await world.run('user', ['policy', 'explain', `${app}:2`, '--policy', nowhere]);
    expect(silent).toMatchObject({ exitCode: 1, stderr: `error: ${app}:2: unavailable\n` });
    expect(silent.stdout).toMatch(/unavailable: .*127\.0\.0\.1:1.*\nunavailable \(unreachable\)\n$/);
  });

  test('what mode warn lets through is told with the reason once', async () => {
    const file = trusting(', mode: warn');
    const { stdout, exitCode } = await world.run(
      'user',
      ['policy', 'explain', `${app}:2`, '--policy', file],
      NO_SERVER,
    );
    expect(exitCode).toBe(0);
    expect(stdout).toEndWith('refused: No valid trust data for 2\nlet through in mode warn (unsigned)\n');
  });

  test('--json is the decision', async () => {
    const { stdout } = await world.run('user', ['--json', 'policy', 'explain', `${app}:1`], {
      HALLMARK_POLICY: trusting(),
    });
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'allow', gun: app, tag: '1', verified: true, mode: 'enforce' });
  });

  test('without a policy it is a usage error', async () => {
    expect((await world.run('user', ['policy', 'explain', 'alpine'])).exitCode).toBe(2);
  });
});

describe('a policy in force', () => {
  test('says server and pins, and decides for verify and pull', async () => {
    const strict = trusting(', signers: [nobody]');
    const run = (command: string[], file: string) => world.run('other', [...command, '--policy', file], NO_SERVER);
    expect(await run(['verify', `${app}:1`], strict)).toMatchObject({ exitCode: 3, stdout: '' });
    const out = join(world.directory, 'out');
    expect((await run(['pull', `${app}:1`, '--output', `oci:${out}`], strict)).exitCode).toBe(3);
    expect(
      (await run(['pull', `${app}:1`, '--output', `oci:${out}`, '--disable-content-trust'], strict)).exitCode,
    ).toBe(2);
    expect((await run(['pull', `${app}:1`, '--output', `oci:${out}`], trusting())).exitCode).toBe(0);
    expect((await run(['inspect', app], trusting())).exitCode).toBe(0);
  });

  test('a pull in mode warn, or of what a rule allows, goes by tag and says so; verify does not call it trusted', async () => {
    const out = `oci:${join(world.directory, 'loose')}`;
    for (const more of [', mode: warn', '']) {
      const file = more === '' ? policy(`version: 1\nrules: [{ images: '${app}', action: allow }]`) : trusting(more);
      const pulled = await world.run('third', ['pull', `${app}:2`, '--output', out, '--policy', file]);
      expect(pulled).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('pulled by tag, unverified') });
      expect((await world.run('third', ['verify', `${app}:2`, '--policy', file])).exitCode).toBe(3);
    }
  });

  test('a broken one stops what would ask it, and is told by check', async () => {
    const broken = policy('version: 1\nrules: [{ images: x }]');
    expect((await world.run('user', ['verify', `${app}:1`, '--policy', broken])).exitCode).toBe(1);
    const checked = await world.run('user', ['policy', 'check', broken, '--json']);
    expect(checked.exitCode).toBe(1);
    expect(JSON.parse(checked.stdout)).toMatchObject({ usable: false, findings: [{ place: 'rules[0].images' }] });
    expect((await world.run('user', ['verify', `${app}:1`, '--policy', '/none'])).exitCode).toBe(1);
  });

  test('--server beside it is refused: it would be ignored', async () => {
    const { exitCode } = await world.run('user', [
      'verify',
      `${app}:1`,
      '--policy',
      trusting(),
      '--server',
      'https://x.io',
    ]);
    expect(exitCode).toBe(2);
  });
});

test('policy check tells what weakens a policy', async () => {
  const { exitCode, stdout, stderr } = await world.run('user', ['policy', 'check', trusting(', mode: audit')]);
  expect([exitCode, stdout]).toMatchObject([0, expect.stringContaining('usable, 1 pattern and')]);
  expect(stderr).toContain('mode audit: what is refused is let through');
});

test('policy schema prints what docs/policy.schema.json holds', async () => {
  expect(JSON.parse((await world.run('user', ['policy', 'schema'])).stdout)).toMatchObject({
    title: 'Hallmark policy',
  });
});

test('policy convert prints a policy that can be used, and what was not carried over', async () => {
  const file = policy(
    'kind: ImagePolicy\nspec: { repositories: [{ name: "r.io/*", policy: { trust: { enabled: true } } }] }',
  );
  const converted = await world.run('user', ['policy', 'convert', '--from', 'portieris', file]);
  expect(converted.exitCode).toBe(0);
  expect(converted.stdout).toContain('r.io/**');
  expect(converted.stderr).toContain('Note: ImagePolicy holds in namespace default alone');
  expect((await world.run('user', ['policy', 'check', policy(converted.stdout)])).exitCode).toBe(0);
  expect((await world.run('user', ['policy', 'convert', '--from', 'connaisseur', file])).exitCode).toBe(1);
});
