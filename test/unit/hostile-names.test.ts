// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { decodeHex } from '../../src/encoding/index.ts';
import { writeImage } from '../../src/lab/index.ts';
import { dockerTarget, parseGun } from '../../src/tuf/index.ts';
import { type CommandLineWorld, openWorld } from '../support/command-line.ts';
import { RepositorySimulator } from '../support/repository-simulator.ts';

/** In one character each what a terminal obeys as well as an escape sequence: a title, a line that is wiped; then text that is turned. */
const NAMES = [
  '\u009d0;owned\u009c',
  'v1\u009b2Kv9',
  'v\u007f2',
  'v\u202e1.0',
  'v\u20282',
  '../../up',
  '0 --privileged evil',
  `v${'9'.repeat(500)}`,
];
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/;

let world: CommandLineWorld;
let name: string;
let digest: string;

/** The publisher's program refuses such names, so the trust data are of one that does not. */
beforeAll(async () => {
  world = await openWorld();
  name = `${world.registryHost}/team/app`;
  const image = join(world.directory, 'image');
  await writeImage(image, 'hello');
  await world.run('alice', ['push', '--from', `oci:${image}`, `${name}:1`]);
  const verified = JSON.parse((await world.run('alice', ['verify', '--json', `${name}:1`])).stdout);
  digest = verified.digest;
  const signed = dockerTarget(decodeHex(digest.slice('sha256:'.length)), verified.size);
  const tags = new Map(['1', ...NAMES].map((tag) => [tag, signed]));
  const repository = await RepositorySimulator.create({ gun: parseGun(name), now: new Date() });
  const { served } = repository.edit('targets', (targets) => ({ ...targets, targets: tags })).publish();
  world.betweenTrust = async (request) => {
    const file = served.get(decodeURIComponent(new URL(request.url).pathname.replace(/.*\/_trust\/tuf\//, '')));
    return file === undefined ? new Response(null, { status: 404 }) : new Response(new Uint8Array(file));
  };
});
afterAll(() => world.close());

describe('a tag whose name commands the terminal does so in no output', () => {
  test.each([
    'inspect --pretty',
    'inspect',
    'inspect --tree',
    'inspect --graph svg',
    'inspect --graph mermaid',
    'docker-trust inspect --pretty',
    'docker-trust inspect',
  ])('%s', async (command) => {
    const { exitCode, stdout, stderr } = await world.run('bob', [...command.split(' '), name]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect([OBEYED.exec(stdout.replaceAll('\t', ' '))?.index, OBEYED.exec(stderr)?.index]).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('notary list', async () => {
    const about = ['-s', world.trustServer, '-d', world.trustDirectory('bob')];
    const { exitCode, stdout } = await world.run('bob', ['notary', 'list', name, ...about]);
    expect([exitCode, OBEYED.exec(stdout)?.index]).toEqual([0, undefined]);
  });

  test('verify by digest names a tag, and nothing that a shell would take for more arguments', async () => {
    const { exitCode, stdout } = await world.run('bob', ['verify', `${name}@${digest}`]);
    expect([exitCode, stdout]).toEqual([0, `${name}:1@${digest}\n`]);
  });

  test('what is no tag is not pulled with all tags, and that is told', async () => {
    const to = join(world.directory, 'pulled');
    const { exitCode, stdout, stderr } = await world.run('bob', ['pull', '-a', '--output', `oci:${to}`, name]);
    expect([exitCode, OBEYED.exec(stdout)?.index, OBEYED.exec(stderr)?.index]).toEqual([0, undefined, undefined]);
    expect(stdout).toStartWith(`Pull (1 of 1): ${name}:1@sha256:`);
    expect(stderr.match(/Warning: .* is signed, and is no tag: it is not pulled\n/g)).toHaveLength(NAMES.length);
    expect(readdirSync(to).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
  });
});
