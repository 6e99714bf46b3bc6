// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOSTS_WELL, machineWith } from '../../../test/support/doctor-machine.ts';
import { scratchDirectories } from '../../../test/support/scratch.ts';
import { examine } from './index.ts';
import type { MachineOptions } from './machine.ts';

const scratch = scratchDirectories();
const found = async (files: Readonly<Record<string, string>>, options: Partial<MachineOptions> = {}) =>
  (await examine(machineWith(scratch(), files, options))).map(({ id }) => id);

describe('doctor on engines and podman', () => {
  test('mirrors fall back, insecure registries and own builders are told', async () => {
    const files = {
      '/etc/docker/daemon.json': '{"registry-mirrors":["https://m"],"insecure-registries":["10.0.0.1:5000"]}',
      '~.docker/buildx/instances/mine': '{"Driver":"docker-container"}',
      '~.docker/buildx/instances/default': '{"Driver":"docker"}',
    };
    expect((await found(files)).sort()).toEqual(['builder-of-its-own', 'insecure-registries', 'mirrors-fall-back']);
    expect(await found({ '/etc/docker/daemon.json': '{' })).toEqual(['daemon-malformed']);
  });

  test('a mirror of podman falls back; a rewritten location with an open policy leaves the rest open', async () => {
    const open = '{"default":[{"type":"insecureAcceptAnything"}]}';
    const mirror = '[[registry]]\nprefix = "docker.io"\n[[registry.mirror]]\nlocation = "gw"\n';
    const rewritten = '[[registry]]\nprefix = "docker.io"\nlocation = "gw/docker.io"\n';
    expect(await found({ '/etc/containers/registries.conf': mirror })).toEqual(['podman-mirror-falls-back']);
    const files = { '/etc/containers/registries.conf.d/gw.conf': rewritten, '/etc/containers/policy.json': open };
    expect(await found(files)).toEqual(['podman-policy-open']);
    expect(await found({ '/etc/containers/policy.json': open })).toEqual([]);
    const everyRegistry =
      '{"default":[{"type":"reject"}],"transports":{"docker":{"":[{"type":"insecureAcceptAnything"}]}}}';
    expect(await found({ ...files, '/etc/containers/policy.json': everyRegistry })).toEqual(['podman-policy-open']);
  });

  test("a user's own files take the place of the system's", async () => {
    const rewritten = '[[registry]]\nprefix = "docker.io"\nlocation = "gw/docker.io"\n';
    const system = {
      '/etc/containers/registries.conf': rewritten,
      '/etc/containers/policy.json': '{"default":[{"type":"reject"}]}',
    };
    const looked = (own: Readonly<Record<string, string>>) => {
      const place = scratch();
      for (const [name, text] of Object.entries(own)) {
        mkdirSync(join(place, '.config/containers'), { recursive: true });
        writeFileSync(join(place, '.config/containers', name), text);
      }
      return found(system, { env: { HOME: place } });
    };
    expect(await looked({})).toEqual([]);
    expect(await looked({ 'registries.conf': '' })).toEqual(['podman-own-registries']);
    expect(await looked({ 'registries.conf': rewritten })).toEqual([]);
    expect(await looked({ 'policy.json': '{"default":[{"type":"insecureAcceptAnything"}]}' })).toEqual([
      'podman-policy-open',
    ]);
  });

  test('hosts files of an engine that does not read them are critical', async () => {
    const files = { '/etc/docker/certs.d/_default/hosts.toml': HOSTS_WELL };
    const engine = (text: string | undefined) => ({
      ask: async (argv: readonly string[]) => (argv.join(' ').includes('DriverStatus') ? text : undefined),
    });
    const containerd = '[["driver-type","io.containerd.snapshotter.v1"]]\n';
    for (const text of ['20.10.24+dfsg1 null\n', '29.1.0 [["Backing Filesystem","extfs"]]\n', `27.5.1 ${containerd}`])
      expect(await found(files, engine(text))).toEqual(['hosts-not-read']);
    for (const text of [`28.2.2 ${containerd}`, undefined, ' null\n'])
      expect(await found(files, engine(text))).toEqual([]);
    expect(await found({}, engine('20.10.24 null\n'))).toEqual([]);
  });

  test('an engine that listens for everybody is critical', async () => {
    const daemon = (text: string) =>
      found({ '/etc/docker/daemon.json': `{"hosts":["unix:///run/docker.sock","tcp://0.0.0.0:2375"]${text}}` });
    expect(await daemon('')).toEqual(['engine-address-open']);
    expect(await daemon(',"tlsverify":true')).toEqual([]);
  });
});
