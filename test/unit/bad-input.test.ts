// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { encodePem } from '../../src/encoding/index.ts';
import { writeImage } from '../../src/lab/index.ts';
import { lockDataDirectory } from '../../src/server/index.ts';
import { PrivateKey } from '../../src/signing/index.ts';
import { type CommandLineWorld, fingerprint, openWorld, type Ran } from '../support/command-line.ts';

let world: CommandLineWorld;
let name: string;
let image: string;

beforeEach(async () => {
  world = await openWorld();
  name = `${world.registryHost}/team/app`;
  image = join(world.directory, 'image');
  await writeImage(image, 'hello');
  const pushed = await world.run('alice', ['push', '--from', `oci:${image}`, `${name}:1`]);
  expect(pushed.exitCode).toBe(0);
  expect((await world.run('bob', ['verify', `${name}:1`])).exitCode).toBe(0);
});

afterEach(() => world.close());

/** One line of cause, at most one of mend, and nothing on stdout. */
function expectRefusal(ran: Ran, exitCode: number, cause: RegExp): void {
  expect({ exitCode: ran.exitCode, stdout: ran.stdout }).toEqual({ exitCode, stdout: '' });
  const lines = ran.stderr.trim().split('\n');
  const told = lines.filter((line) => !line.startsWith('hint: '));
  expect(told.at(-1)).toMatch(cause);
  expect(lines.filter((line) => line.startsWith('hint: ')).length).toBeLessThanOrEqual(1);
  expect(ran.stderr).not.toContain('internal error');
}

/** Serves other bytes in place of a metadata file. */
function serve(file: string, body: string | Uint8Array<ArrayBuffer>, status = 200): void {
  world.betweenTrust = (request, next) =>
    new URL(request.url).pathname.endsWith(`/_trust/tuf/${file}`)
      ? Promise.resolve(new Response(body, { status }))
      : next(request);
}

const DEEP = `${'['.repeat(5000)}${']'.repeat(5000)}`;
const BAD_DOCUMENTS: readonly (readonly [string, string])[] = [
  ['empty', ''],
  ['no JSON', 'nonsense'],
  ['cut off', '{"signed":{"_type":"Timestamp"'],
  ['duplicated keys', '{"signed":{},"signed":{},"signatures":[]}'],
  ['nested without end', DEEP],
  ['an array', '[]'],
  ['wrongly typed', '{"signed":"x","signatures":{}}'],
  ['an unknown field', '{"signed":{},"signatures":[],"extra":1}'],
  ['not UTF-8 where text should be', '{"signed":{"\ud800":1},"signatures":[]}'],
];

describe('a trust server that answers nonsense', () => {
  for (const [what, document] of BAD_DOCUMENTS) {
    test(`timestamp ${what}: exit code 3, one line, and the trust directory as it was`, async () => {
      const before = fingerprint(world.trustDirectory('bob'));
      serve('timestamp.json', document);
      expectRefusal(
        await world.run('bob', ['verify', `${name}:1`]),
        3,
        /trust data mismatch for remote repository .*timestamp/,
      );
      expect(fingerprint(world.trustDirectory('bob'))).toEqual(before);
    });

    test(`root ${what} on first use: exit code 3, and nothing is kept`, async () => {
      serve('root.json', document);
      expectRefusal(
        await world.run('carol', ['verify', `${name}:1`]),
        3,
        /trust data mismatch for remote repository .*root/,
      );
      expect(readdirSync(join(world.directory, 'carol'))).toEqual([]);
    });
  }

  test('S23 a timestamp larger than any is cut off: exit code 1', async () => {
    const before = fingerprint(world.trustDirectory('bob'));
    serve('timestamp.json', new Uint8Array(1 << 20));
    expectRefusal(await world.run('bob', ['verify', `${name}:1`]), 1, /sent more than the \d+ bytes that were due/);
    expect(fingerprint(world.trustDirectory('bob'))).toEqual(before);
  });

  test('503 is unavailable, not untrusted: exit code 1', async () => {
    serve('timestamp.json', 'busy', 503);
    expectRefusal(await world.run('bob', ['verify', `${name}:1`]), 1, /error contacting notary server: .*503/);
  });

  test('S36 404 with a full cache is no licence to use the cache: exit code 3', async () => {
    serve('timestamp.json', '', 404);
    expectRefusal(
      await world.run('bob', ['verify', '--max-staleness', '1h', `${name}:1`]),
      3,
      /remote trust data does not exist/,
    );
  });

  test("a refusal to publish is told with the server's reason, without its control characters", async () => {
    world.betweenTrust = (request, next) =>
      request.method === 'POST'
        ? Promise.resolve(
            Response.json({ errors: [{ code: 'INVALID_UPDATE', message: 'no \u001b[2J way' }] }, { status: 400 }),
          )
        : next(request);
    const before = fingerprint(world.trustDirectory('alice'));
    const ran = await world.run('alice', ['push', '--from', `oci:${image}`, `${name}:2`]);
    expectRefusal(ran, 1, /trust server rejected the update: no .*way/);
    expect(ran.stderr).not.toContain('\u001b');
    expect(fingerprint(world.trustDirectory('alice'))).toEqual(before);
  });
});

describe('keys that cannot be used', () => {
  const push = (env: Record<string, string> = {}) =>
    world.run('alice', ['push', '--from', `oci:${image}`, `${name}:2`], env);
  const keyFiles = () =>
    readdirSync(join(world.trustDirectory('alice'), 'private')).map((file) =>
      join(world.trustDirectory('alice'), 'private', file),
    );

  test('a wrong passphrase: exit code 1, nothing published, every file as it was', async () => {
    const before = fingerprint(world.trustDirectory('alice'));
    const ran = await push({ DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE: 'another-passphrase' });
    expectRefusal(ran, 1, /passphrase/i);
    expect(ran.stderr).not.toContain('another-passphrase');
    expect(fingerprint(world.trustDirectory('alice'))).toEqual(before);
    expect((await world.run('bob', ['verify', `${name}:2`])).exitCode).toBe(3);
  });

  test('no passphrase and no terminal: exit code 1, and what to set', async () => {
    const ran = await push({ DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE: '' });
    expectRefusal(ran, 1, /passphrase/i);
  });

  test('S7 a key file that others may read is refused with the command that mends it', async () => {
    for (const file of keyFiles()) chmodSync(file, 0o644);
    const ran = await push();
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toMatch(/chmod/);
  });

  test('a damaged key file: exit code 1, and the file as it was', async () => {
    for (const file of keyFiles())
      writeFileSync(file, '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n');
    const before = fingerprint(world.trustDirectory('alice'));
    expectRefusal(await push(), 1, /./);
    expect(fingerprint(world.trustDirectory('alice'))).toEqual(before);
  });
});

describe('a trust directory that cannot be used', () => {
  test('a file in its place: exit code 1, and the file as it was', async () => {
    const directory = join(world.directory, 'dave', '.docker');
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'trust'), 'not a directory');
    const before = fingerprint(join(world.directory, 'dave'));
    expectRefusal(await world.run('dave', ['verify', `${name}:1`]), 1, /cannot write .*trust/);
    expect(fingerprint(join(world.directory, 'dave'))).toEqual(before);
  });

  test('a damaged record of trusted versions: exit code 1, and how to go on', async () => {
    const marks = join(world.trustDirectory('bob'), 'hallmark', 'marks');
    for (const file of readdirSync(marks)) writeFileSync(join(marks, file), '{');
    expectRefusal(await world.run('bob', ['verify', `${name}:1`]), 1, /record of trusted versions .* is damaged/);
  });

  for (const [cache, isThere] of [
    ['gone', false],
    ['there', true],
  ] as const)
    test(`S36 a server that has lost what was trusted here is given no new repository in its place until told to (cache ${cache})`, async () => {
      const emptied = await openWorld();
      try {
        world.betweenTrust = (request) => fetch(request.url.replace(world.trustServer, emptied.trustServer), request);
        if (!isThere) rmSync(join(world.trustDirectory('alice'), 'tuf'), { recursive: true });
        const push = () => world.run('alice', ['push', '--from', `oci:${image}`, `${name}:2`]);
        const refused = await push();
        expectRefusal(refused, 3, /trust server has no \w+ for .*, which was trusted here before/);
        expect((await world.run('carol', ['verify', `${name}:2`])).stderr).toMatch(/has no root/);

        const [, anew = ''] = /begin anew after: hallmark (.*)$/m.exec(refused.stderr) ?? [];
        expect(await world.run('alice', anew.split(' '))).toMatchObject({ exitCode: 0 });
        expect(await push()).toMatchObject({ exitCode: 0 });
      } finally {
        await emptied.close();
      }
    });

  test('S17 without its cache, what it trusted before still counts', async () => {
    const old = await (await fetchTrust('timestamp.json')).bytes();
    await world.run('alice', ['push', '--from', `oci:${image}`, `${name}:2`]);
    expect((await world.run('bob', ['verify', `${name}:2`])).exitCode).toBe(0);
    rmSync(join(world.trustDirectory('bob'), 'tuf'), { recursive: true });
    serve('timestamp.json', new Uint8Array(old));
    expectRefusal(await world.run('bob', ['verify', `${name}:1`]), 3, /version is lower than expected/);
  });
});

/** What the trust server serves for the repository, as anybody can fetch it. */
function fetchTrust(file: string): Promise<Response> {
  return new Promise((resolve, reject) => {
    world.betweenTrust = async (request, next) => {
      const response = await next(request);
      if (new URL(request.url).pathname.endsWith(file)) resolve(new Response(await response.clone().arrayBuffer()));
      return response;
    };
    world.run('eve', ['verify', `${name}:1`]).catch(reject);
  });
}

describe('a registry that lies', () => {
  test('S24 other bytes under the signed digest: exit code 3, and nothing is kept', async () => {
    world.betweenRegistry = async (request, next) => {
      const response = await next(request);
      if (!/\/manifests\/sha256:/.test(request.url)) return response;
      const bytes = new Uint8Array(await response.arrayBuffer());
      bytes[bytes.length - 1] = 0x20;
      return new Response(bytes, { headers: response.headers });
    };
    const target = join(world.directory, 'out');
    const ran = await world.run('bob', ['pull', '--output', `oci:${target}`, `${name}:1`]);
    expect(ran.exitCode).toBe(3);
    expect(() => readdirSync(target)).toThrow();
  });

  test('a digest of its own choice in the answer to a push is not signed', async () => {
    world.betweenRegistry = async (request, next) => {
      const response = await next(request);
      if (request.method !== 'PUT' || !request.url.includes('/manifests/')) return response;
      return new Response(null, { status: 201, headers: { 'docker-content-digest': `sha256:${'0'.repeat(64)}` } });
    };
    const ran = await world.run('alice', ['push', '--from', `oci:${image}`, `${name}:2`]);
    expect(ran.exitCode).not.toBe(0);
    world.betweenRegistry = (request, next) => next(request);
    expect((await world.run('bob', ['verify', `${name}:2`])).exitCode).toBe(3);
  });
});

describe('hallmark up', () => {
  test('makes its data directory, private to its owner, and says when it is ready', async () => {
    const data = join(world.directory, 'new', 'data');
    const ran = await world.run('carol', [
      'up',
      '--data',
      data,
      '--listen',
      '127.0.0.1:0',
      '--registry',
      '127.0.0.1:0',
    ]);
    expect(ran.exitCode).toBe(0);
    expect(ran.stdout).toMatch(/^ready trust=https:\/\/localhost:\d+ registry=http:\/\/localhost:\d+$/m);
    expect(statSync(data).mode & 0o777).toBe(0o700);
  });

  test('a second one on the same directory is an error that names the first', async () => {
    const data = join(world.directory, 'shared', 'data');
    mkdirSync(data, { recursive: true });
    using _running = lockDataDirectory(data);
    const argv = ['up', '--data', data, '--listen', '127.0.0.1:0'];

    const ran = await world.run('carol', argv);
    expectRefusal(ran, 1, new RegExp(`process ${process.pid} serves from ${data} already`));
    expect(ran.stderr).toContain('--data');
    expect(readdirSync(data).sort()).toEqual(['up.lock', 'up.pid']);
  });

  test('S8 a certificate that cannot be read is an error, never plain http', async () => {
    const argv = [
      'up',
      '--data',
      join(world.directory, 'data'),
      '--listen',
      '127.0.0.1:0',
      '--tls-cert',
      'none.crt',
      '--tls-key',
      'none.key',
    ];
    expectRefusal(await world.run('carol', argv), 1, /none\.crt/);
  });
});

describe('a command line that cannot be carried out', () => {
  for (const argv of [
    [],
    ['frobnicate'],
    ['verify'],
    ['verify', 'upper/CASE:1'],
    ['pull', '--output', 'tape:x', 'app:1'],
    ['verify', '--no-such', 'app:1'],
  ]) {
    test(`${argv.join(' ') || 'nothing'}: exit code 2`, async () => {
      const ran = await world.run('bob', argv);
      expect({ exitCode: ran.exitCode, stdout: ran.stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(ran.stderr).not.toBe('');
    });
  }

  test('a command that is none is called so', async () => {
    expectRefusal(await world.run('bob', ['frobnicate', 'app:1']), 2, /see 'hallmark --help'/);
    expect((await world.run('bob', ['frobnicate', 'app:1'])).stderr).toContain("unknown command 'frobnicate'");
  });

  test('revoke of all signatures with nobody to confirm it is an error, and nothing is revoked', async () => {
    expectRefusal(await world.run('alice', ['revoke', name]), 2, /nobody to confirm/);
    expect((await world.run('bob', ['verify', `${name}:1`])).exitCode).toBe(0);
  });

  test('revoke of what was never signed makes no keys', async () => {
    const ran = await world.run('carol', ['revoke', `${world.registryHost}/team/never:1`]);
    expectRefusal(ran, 1, /team\/never has no trust data/);
    expect(existsSync(world.trustDirectory('carol'))).toBe(false);
  });

  test('sign of what is signed already says that nothing was published', async () => {
    const ran = await world.run('alice', ['sign', `${name}:1`]);
    expect(ran).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('nothing was published') });
  });

  test('sign into a role that is not there, or signs no tags: a typed error, and nothing is signed', async () => {
    expectRefusal(
      await world.run('alice', ['sign', '--role', 'targets/x', `${name}:1`]),
      1,
      /targets\/x is no role here/,
    );
    expectRefusal(await world.run('alice', ['sign', '--role', 'snapshot', `${name}:1`]), 2, /snapshot signs no tags/);
  });

  test('an authority without a certificate is told as that, not as a server that is away', async () => {
    const file = join(world.directory, 'ca.crt');
    writeFileSync(file, 'no certificate');
    const server = ['--server', 'https://localhost:1'];
    expectRefusal(
      await world.run('bob', ['--ca', file, ...server, 'verify', `${name}:1`]),
      2,
      /holds no PEM certificate/,
    );
  });

  test('all tags into an archive of one image are refused, instead of keeping the last', async () => {
    const archive = join(world.directory, 'all.tar');
    expectRefusal(
      await world.run('bob', ['pull', '-a', '--output', `docker-archive:${archive}`, name]),
      2,
      /one image/,
    );
    expect(existsSync(archive)).toBe(false);
  });

  test('a digest that is asked for beside a tag is not stored under the tag, which may mean another', async () => {
    const other = join(world.directory, 'other');
    const digest = await writeImage(other, 'unsigned');
    await world.run('bob', ['push', '--disable-content-trust', '--from', `oci:${other}`, `${name}:2`]);
    const layout = join(world.directory, 'pulled');
    expect((await world.run('bob', ['pull', '--output', `oci:${layout}`, `${name}:1@${digest}`])).exitCode).toBe(0);
    const index = readFileSync(join(layout, 'index.json'), 'utf8');
    expect(index).toContain(digest);
    expect(index).not.toContain(`${name}:1`);
  });

  test('a trust server without https is refused before anything is pushed', async () => {
    const ran = await world.run('alice', ['push', '--from', `oci:${image}`, `${name}:3`], {
      DOCKER_CONTENT_TRUST_SERVER: 'http://trust.example.com',
    });
    expectRefusal(ran, 2, /valid https URL required for trust server, got http:\/\/trust\.example\.com/);
  });

  test('a passphrase file that is not there is told before anything is pushed', async () => {
    const ran = await world.run('alice', [
      'push',
      '--passphrase-file',
      '/no/such/file',
      '--from',
      `oci:${image}`,
      `${name}:4`,
    ]);
    expectRefusal(ran, 2, /--passphrase-file: cannot read \/no\/such\/file/);
    expect((await world.run('bob', ['sign', `${name}:4`])).stderr).toMatch(/not found|unknown/i);
  });

  test('S33 a password in the server address is refused, and not repeated', async () => {
    const env = { DOCKER_CONTENT_TRUST_SERVER: 'https://user:hunter2hunter2@trust.example.com' };
    const ran = await world.run('alice', ['verify', `${name}:1`], env);
    expectRefusal(ran, 2, /must not hold a user or password/);
    expect(ran.stderr).not.toContain('hunter2');
  });

  test('an image for another platform is not pulled: nothing is left behind', async () => {
    const target = join(world.directory, 'other-platform');
    const ran = await world.run('bob', [
      'pull',
      '--platform',
      'windows/amd64',
      '--output',
      `oci:${target}`,
      `${name}:1`,
    ]);
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toMatch(/image is for linux\/\w+, not for windows\/amd64/);
    expect(() => readdirSync(target)).toThrow();
  });

  test('an image for another platform is not pushed', async () => {
    const ran = await world.run('alice', [
      'push',
      '--platform',
      'windows/amd64',
      '--from',
      `oci:${image}`,
      `${name}:5`,
    ]);
    expectRefusal(ran, 1, /image is for linux\/\w+, not for windows\/amd64/);
  });

  test('a passphrase from a pipe serves every key of one command: it can be read once only', async () => {
    const pipe = join(world.directory, 'pipe');
    expect(Bun.spawnSync(['mkfifo', pipe]).exitCode).toBe(0);
    const key = join(world.directory, 'plain.pem');
    const bytes = PrivateKey.generate().encode();
    writeFileSync(key, encodePem({ label: 'PRIVATE KEY', headers: new Map(), bytes }));
    chmodSync(key, 0o600);
    const writer = Bun.spawn(['sh', '-c', `printf 'a-passphrase-of-tests' > '${pipe}'`]);
    const ran = await world.run('carol', ['key', 'import', '--passphrase-file', pipe, '--role', 'carol', key]);
    await writer.exited;
    expect(ran).toMatchObject({ exitCode: 0 });
  });

  test('a layout that is not there: exit code 1', async () => {
    renameSync(image, `${image}-moved`);
    expectRefusal(
      await world.run('alice', ['push', '--from', `oci:${image}`, `${name}:3`]),
      1,
      /no such file|not-found|image/,
    );
  });
});
