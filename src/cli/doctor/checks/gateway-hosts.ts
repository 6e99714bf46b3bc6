// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { Machine } from '../machine.ts';
import { parseToml, tableOf } from '../settings-files.ts';

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
