// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectories } from '../../test/support/scratch.ts';
import { GatewayConfigError, loadGatewayConfig, parseGatewayConfig } from './config.ts';
import { engineConfig } from './engine-config.ts';

const fresh = scratchDirectories();
const MINIMAL = 'data: state\npolicy: policy.yaml\nupstreams: { docker.io: }\n';
const parse = (more = '') => parseGatewayConfig(MINIMAL + more, '/etc/hallmark/gateway.yaml');

describe("a gateway's configuration", () => {
  test('says little, and the rest is as documented', () => {
    expect(parse()).toMatchObject({
      listen: { hostname: '127.0.0.1', port: 5443 },
      data: '/etc/hallmark/state',
      policy: '/etc/hallmark/policy.yaml',
      tls: undefined,
      metrics: undefined,
      cacheBytes: 20 * 1024 ** 3,
    });
    expect([...parse().upstreams]).toEqual([['docker.io', { blobs: 'proxy' }]]);
  });

  test('can say more', () => {
    const config = parse(`
listen: '[::1]:443'
tls: { cert: gw.crt, key: /run/gw.key }
hosts: { 'hub.internal:5443': Docker.io }
names: [gw.internal]
default: docker.io
blobs: redirect
cache: 500MiB
metrics: 127.0.0.1:9090
`);
    expect(config).toMatchObject({
      listen: { hostname: '::1', port: 443 },
      tls: { cert: '/etc/hallmark/gw.crt', key: '/run/gw.key' },
      names: ['gw.internal', 'hub.internal'],
      cacheBytes: 500 * 1024 ** 2,
      metrics: { hostname: '127.0.0.1', port: 9090 },
    });
    expect(config.mapping).toMatchObject({ fallback: 'docker.io' });
    expect([...config.mapping.hosts]).toEqual([['hub.internal:5443', 'docker.io']]);
    expect(config.upstreams.get('docker.io')?.blobs).toBe('redirect');
  });

  test.each([
    ['listen: here', 'listen: is no HOST:PORT'],
    ['metrics: 127.0.0.1:99999', 'metrics: is no HOST:PORT'],
    ['cache: 5', 'cache: '],
    ['blobs: mirror', 'blobs: '],
    ['hosts: { a.b: r.io }', 'r.io is none of the upstreams'],
    ['default: r.io', 'r.io is none of the upstreams'],
    ['polcy: x', 'Unrecognized key'],
    ['data: twice', 'Map keys must be unique'],
    ['names: [*nowhere]', 'Unresolved alias'],
  ])('S22 %s is an error', (more, message) => {
    expect(() => parse(more)).toThrow(GatewayConfigError);
    expect(() => parse(more)).toThrow(message);
  });

  test('S23 a small file of aliases does not become a large one', () => {
    const bomb = `a: &a [x]\nb: &b [${'*a,'.repeat(60)}]\nnames: [${'*b,'.repeat(60)}]`;
    expect(() => parse(bomb)).toThrow(GatewayConfigError);
    expect(() => parse(bomb)).toThrow('Excessive alias count');
  });

  test('a file or an authority that is not there is an error, never taken for none', () => {
    const path = join(fresh(), 'gateway.yaml');
    expect(() => loadGatewayConfig(path)).toThrow(GatewayConfigError);
    writeFileSync(path, 'data: x\npolicy: y\nupstreams: { r.io: { ca: none.pem } }');
    expect(() => loadGatewayConfig(path)).toThrow('none.pem: cannot be read');
    chmodSync(path, 0o666);
    expect(() => loadGatewayConfig(path)).toThrow('can be written by others');
    chmodSync(path, 0o644);
    writeFileSync(path, 'data: x\npolicy: y\nupstreams: {}');
    expect(() => loadGatewayConfig(path)).toThrow('names no registry');
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
