// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type CommandLineWorld, openWorld } from '../../../../test/support/command-line.ts';
import { pushTinyImage } from '../../../../test/support/tiny-image.ts';
import { runProgram } from '../../index.ts';

let world: CommandLineWorld;

beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

/** `hallmark gateway` in this process; `stop` ends it, and resolves to its exit code. */
async function start(policy: object): Promise<{ ready: string; stderr: () => string; stop: () => Promise<number> }> {
  const [config, policyFile] = [join(world.directory, 'gateway.yaml'), join(world.directory, 'policy.yaml')];
  writeFileSync(policyFile, JSON.stringify(policy), { mode: 0o600 });
  const settings = {
    listen: '127.0.0.1:0',
    data: 'gateway',
    policy: policyFile,
    upstreams: { [world.registryHost]: {} },
    metrics: '127.0.0.1:0',
  };
  writeFileSync(config, JSON.stringify({ ...settings, default: world.registryHost }));
  const [stopped, ready] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
  const text = { out: '', err: '' };
  const output = (write: (chunk: string) => void) => ({
    write: (chunk: string | Uint8Array) => write(String(chunk)),
    isTerminal: false,
    columns: 80,
  });
  const exit = runProgram('hallmark', ['gateway', '--config', config], {
    env: { HOME: world.directory },
    stdin: new PassThrough(),
    stdout: output((chunk) => {
      text.out += chunk;
      const line = /^ready .*$/m.exec(text.out);
      if (line !== null) ready.resolve(line[0]);
    }),
    stderr: output((chunk) => {
      text.err += chunk;
    }),
    now: () => new Date(),
    untilStopped: () => stopped.promise,
  });
  exit.then((code) => ready.reject(new Error(`ended with ${code}: ${text.err}`)));
  const stop = () => {
    stopped.resolve();
    return exit;
  };
  return { ready: await ready.promise, stderr: () => text.err, stop };
}

test('hallmark gateway serves what is signed over TLS of its own, tells what it did, and stops when it is asked', async () => {
  const app = `${world.registryHost}/acme/app`;
  const digest = await pushTinyImage(world.registryHost, 'acme/app', '1');
  await pushTinyImage(world.registryHost, 'acme/app', '2');
  expect((await world.run('publisher', ['sign', `${app}:1`])).exitCode).toBe(0);
  const gateway = await start({
    version: 1,
    rules: [{ images: `${world.registryHost}/**`, server: world.trustServer, 'first-use': true }],
  });
  const [, url, metrics] = /gateway=(\S+) metrics=(\S+)/.exec(gateway.ready) ?? [];
  const tls = { ca: readFileSync(join(world.directory, 'gateway', 'ca.crt'), 'utf8') };
  const ask = (path: string) => fetch(`${url}/v2/${path}`, { tls });
  const served = await ask('acme/app/manifests/1');
  expect([served.status, served.headers.get('docker-content-digest')]).toEqual([200, digest]);
  expect((await ask('acme/app/manifests/2')).status).toBe(403);
  expect((await fetch(`${metrics}/ready`)).status).toBe(200);
  const counted = await (await fetch(`${metrics}/metrics`)).text();
  expect(counted).toContain('hallmark_decisions_total{point="gateway",mode="enforce",outcome="deny"} 1');
  expect(counted).toContain('hallmark_refusals_total{point="gateway",code="unsigned"} 1');
  expect(counted).toContain('hallmark_gateway_answers_total{route="manifest",status="200"} 1');
  expect(await gateway.stop()).toBe(0);
  await expect(ask('acme/app/manifests/1')).rejects.toThrow();
});

test('S29 what weakens its policy is told when it starts', async () => {
  const gateway = await start({ version: 1, default: { action: 'allow' } });
  expect(gateway.stderr()).toContain('Warning: default: action allow: images are let through unverified');
  expect(await gateway.stop()).toBe(0);
});

test('S8 without a policy that can be used it does not start', async () => {
  await expect(start({ version: 1, rules: [{ images: 'x' }] })).rejects.toThrow('ended with 1');
  expect((await world.run('user', ['gateway'])).exitCode).toBe(2);
});

test('gateway config prints the files of an engine, and takes no address without TLS', async () => {
  const flags = ['--gateway', 'https://gw:5443', '--gateway-ca', '/gw.pem', '--registry', 'docker.io'];
  const printed = await world.run('user', ['gateway', 'config', 'containerd', ...flags]);
  expect([printed.exitCode, printed.stdout]).toMatchObject([
    0,
    expect.stringContaining('# /etc/containerd/certs.d/_default/hosts.toml\nserver = "https://gw:5443"'),
  ]);
  for (const odd of ['../../etc', 'acme', 'r.io/x', ''])
    expect((await world.run('user', ['gateway', 'config', 'docker', ...flags, '--registry', odd])).exitCode).toBe(2);
  const plain = flags.map((flag) => flag.replace('https', 'http'));
  expect((await world.run('user', ['gateway', 'config', 'podman', ...plain])).exitCode).toBe(2);
  expect((await world.run('user', ['gateway', 'config', 'podman', ...flags, '--push-to', 'r.io'])).exitCode).toBe(2);
  expect((await world.run('user', ['gateway', 'config', 'rkt', ...flags])).exitCode).toBe(2);
});
