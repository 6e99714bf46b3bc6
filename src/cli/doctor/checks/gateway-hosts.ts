// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { Machine } from '../machine.ts';
import { at, parseToml, tableOf } from '../settings-files.ts';
import { containerdConfig } from './containerd-config.ts';

/** The names of containerd's CRI plugin, or its image part, by version of the configuration. */
export const CRI_PLUGINS = ['io.containerd.grpc.v1.cri', 'io.containerd.cri.v1.images'];

/** Where containerd, and Docker with containerd's image store, look for the hosts of a registry. */
export const HOSTS_PLACES = { containerd: '/etc/containerd/certs.d', docker: '/etc/docker/certs.d' } as const;

/** The registries for which an engine is sent elsewhere, `_default` among them: somebody wants its pulls judged. */
export function redirectedRegistries(machine: Machine, engine: keyof typeof HOSTS_PLACES): readonly string[] {
  const place = machine.system(HOSTS_PLACES[engine]);
  return machine.names(place).filter((name) => {
    const hosts = parseToml(machine.text(join(place, name, 'hosts.toml')) ?? '');
    return Object.keys(tableOf(hosts?.host) ?? {}).length > 0;
  });
}

/** Every directory of hosts files: those above, and where CRI's `config_path` leads instead. */
export function hostsPlaces(machine: Machine): readonly string[] {
  const plugins = containerdConfig(machine)?.plugins;
  const configured = CRI_PLUGINS.flatMap((name) =>
    String(at(plugins?.get(name)?.table, 'registry', 'config_path') ?? '').split(':'),
  );
  return [...new Set([...Object.values(HOSTS_PLACES), ...configured.filter((path) => path !== '')])];
}
