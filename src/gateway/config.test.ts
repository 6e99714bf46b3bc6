// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectories } from '../../test/support/scratch.ts';
import { ConfigError, SecretFileError } from '../service/config/index.ts';
import { loadGatewayConfig } from './config.ts';
import { engineConfig } from './engine-config.ts';

const fresh = scratchDirectories();
const MINIMAL = 'data: state\npolicy: policy.yaml\nupstreams: { docker.io: }\n';
function place(text: string) {
  const directory = fresh();
  const file = join(directory, 'gateway.yaml');
  writeFileSync(file, text);
  return { directory, file };
}
const parse = (more = '') => loadGatewayConfig(place(MINIMAL + more).file);

describe("a gateway's configuration", () => {
  test('says little, and the rest is as documented', async () => {
    const { directory, file } = place(MINIMAL);
    const config = await loadGatewayConfig(file);
    expect(config).toMatchObject({
      listen: { hostname: '127.0.0.1', port: 5443 },
      data: join(directory, 'state'),
      policy: join(directory, 'policy.yaml'),
      tls: undefined,
      metrics: undefined,
      cacheBytes: 20 * 1024 ** 3,
    });
    expect([...config.upstreams]).toEqual([['docker.io', { blobs: 'proxy' }]]);
  });

  test('can say more', async () => {
    const { directory, file } = place(`${MINIMAL}
listen: '[::1]:443'
tls: { cert: gw.crt, key: /run/gw.key }
hosts: { 'hub.internal:5443': Docker.io }
names: [gw.internal]
default: docker.io
blobs: redirect
cache: 500MiB
metrics: 127.0.0.1:9090
`);
    const config = await loadGatewayConfig(file);
    expect(config).toMatchObject({
      listen: { hostname: '::1', port: 443 },
      tls: { cert: join(directory, 'gw.crt'), key: '/run/gw.key' },
      names: ['gw.internal', 'hub.internal'],
      cacheBytes: 500 * 1024 ** 2,
      metrics: { hostname: '127.0.0.1', port: 9090 },
    });
    expect(config.mapping).toMatchObject({ fallback: 'docker.io' });
    expect([...config.mapping.hosts]).toEqual([['hub.internal:5443', 'docker.io']]);
    expect(config.upstreams.get('docker.io')?.blobs).toBe('redirect');
  });

  test.each([
    ['listen: here', ':4:1: listen: is no HOST:PORT'],
    ['metrics: 127.0.0.1:99999', ':4:1: metrics: is no HOST:PORT'],
    ['cache: 5', ':4:1: cache: '],
    ['blobs: mirror', ':4:1: blobs: '],
    ['hosts: { a.b: r.io }', ':4:10: hosts.a.b: r.io is none of the upstreams'],
    ['default: r.io', ':4:1: default: r.io is none of the upstreams'],
    ['polcy: x', ':4:1: polcy: unknown key; did you mean policy?'],
    ['data: twice', ':4:1: Map keys must be unique'],
    ['names: [*nowhere]', 'Unresolved alias'],
  ])('S22 %s is an error, told with its place', async (more, message) => {
    const refused = parse(more);
    await expect(refused).rejects.toBeInstanceOf(ConfigError);
    await expect(refused).rejects.toThrow(message);
  });

  test('S23 a small file of aliases does not become a large one', async () => {
    const bomb = `a: &a [x]\nb: &b [${'*a,'.repeat(60)}]\nnames: [${'*b,'.repeat(60)}]`;
    const refused = parse(bomb);
    await expect(refused).rejects.toBeInstanceOf(ConfigError);
    await expect(refused).rejects.toThrow('Excessive alias count');
  });

  test('a file or an authority that is not there is an error, never taken for none', async () => {
    const path = join(fresh(), 'gateway.yaml');
    await expect(loadGatewayConfig(path)).rejects.toThrow(`${path}: cannot read the configuration: ENOENT`);
    writeFileSync(path, 'data: x\npolicy: y\nupstreams: { r.io: { ca: none.pem } }');
    const lacking = loadGatewayConfig(path);
    await expect(lacking).rejects.toBeInstanceOf(SecretFileError);
    await expect(lacking).rejects.toThrow(`cannot read PEM file (ENOENT): ${join(path, '../none.pem')}`);
    writeFileSync(join(path, '../none.pem'), '-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n');
    await expect(loadGatewayConfig(path)).rejects.toThrow(`no PEM certificate: ${join(path, '../none.pem')}`);
  });

  test('S7 a file that others can write is an error, with the command that mends it; so is one without registries', async () => {
    const { file } = place('data: x\npolicy: y\nupstreams: {}');
    await expect(loadGatewayConfig(file)).rejects.toThrow('upstreams: names no registry');
    chmodSync(file, 0o666);
    await expect(loadGatewayConfig(file)).rejects.toThrow(`can be written by others: chmod go-w ${file}`);
  });
});

describe('files for engines', () => {
  const options = {
    gateway: 'https://gw:5443',
    ca: '/gw.pem',
    registries: ['docker.io', 'r.io:5000'],
    pushTo: ['r.io:5000'],
  };

  test.each(['containerd', 'docker'] as const)(
    '%s: the gateway stands twice in each file, and nobody else may be pulled from',
    (engine) => {
      const files = engineConfig(engine, options).filter(({ path }) => path.endsWith('hosts.toml'));
      expect(files.map(({ path }) => path.split('/').at(-2))).toEqual(['_default', 'docker.io', 'r.io:5000']);
      for (const { content } of files) {
        expect(content).toStartWith('server = "https://gw:5443"\ncapabilities = ["pull", "resolve"]\n');
        const hosts = content.split('\n[host.').slice(1);
        expect(hosts[0]).toStartWith('"https://gw:5443"]\n  capabilities = ["pull", "resolve"]\n');
        for (const other of hosts.slice(1)) expect(other).toBe('"https://r.io:5000"]\n  capabilities = ["push"]\n');
      }
      expect(files[2]?.content).toContain('"push"');
      expect(files[1]?.content).not.toContain('"push"');
    },
  );

  test.each(['podman', 'crio'] as const)(
    '%s: the place of each registry is the gateway, and what is not listed is rejected',
    (engine) => {
      const [registries, policy] = engineConfig(engine, options);
      expect(registries?.content).toContain('prefix = "r.io:5000"\nlocation = "gw:5443/r.io_5000"');
      expect(registries?.content).not.toContain('mirror');
      const { default: fallback, transports } = JSON.parse(policy?.content ?? '');
      expect(fallback).toEqual([{ type: 'reject' }]);
      expect(Object.keys(transports.docker)).toEqual(options.registries);
    },
  );
});
