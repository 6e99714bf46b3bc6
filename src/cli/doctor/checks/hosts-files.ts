// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { Check, Finding } from '../finding.ts';
import type { Machine } from '../machine.ts';
import { at, parseJson, parseToml, tableOf } from '../settings-files.ts';
import { hostsPlaces } from './gateway-hosts.ts';

/**
 * hosts.toml: a pull goes where it says, and straight to the registry wherever it says nothing that counts. Nothing warns of
 * that but this.
 */
export const hostsFiles: Check = {
  about: 'registry hosts of containerd and Docker',
  run(machine) {
    return hostsPlaces(machine)
      .map((place) => machine.system(place))
      .flatMap((place) => machine.names(place).flatMap((name) => checkDirectory(machine, join(place, name), name)));
  },
};

function checkDirectory(machine: Machine, directory: string, name: string): readonly Finding[] {
  if (!machine.isDirectory(directory)) return [];
  const file = join(directory, 'hosts.toml');
  const text = machine.text(file);
  if (text !== undefined) return checkFile(machine, file, text, name);
  const hasDefault = machine.text(join(directory, '..', '_default', 'hosts.toml')) !== undefined;
  if (name === '_default' || !hasDefault) return [];
  return [
    {
      id: 'hosts-shadowed',
      severity: 'critical',
      subject: directory,
      message: `this directory has no hosts.toml, and hides that of _default: pulls from ${name} go straight to it`,
      fix: `copy _default/hosts.toml into it, or remove the directory`,
    },
  ];
}

function checkFile(machine: Machine, file: string, text: string, registry: string): readonly Finding[] {
  const hosts = parseToml(text);
  if (hosts === undefined) {
    return [
      {
        id: 'hosts-malformed',
        severity: 'critical',
        subject: file,
        message: 'not valid TOML: it is passed over, and pulls go straight to the registry',
        fix: 'hallmark gateway config containerd writes one that is valid',
      },
    ];
  }
  const entries = Object.keys(tableOf(hosts.host) ?? {});
  const findings: Finding[] = [];
  if (entries.length === 0)
    findings.push({
      id: 'hosts-without-entry',
      severity: 'critical',
      subject: file,
      message: 'no [host] table: containerd 1.x takes the file for damaged and goes straight to the registry',
      fix: 'give the gateway as [host] and as server: hallmark gateway config containerd',
    });
  if (typeof hosts.server !== 'string')
    findings.push({
      id: 'hosts-without-server',
      severity: 'critical',
      subject: file,
      message: 'no server: the registry itself is asked when the hosts above refuse',
      fix: 'name the gateway as server too: hallmark gateway config containerd',
    });
  else if (entries.length > 0 && !entries.map(hostOf).includes(hostOf(hosts.server)))
    findings.push({
      id: 'hosts-open-server',
      severity: 'critical',
      subject: file,
      message: `server is ${hosts.server}, which is asked for the image when the hosts above refuse it`,
      fix: 'name the gateway as server too: hallmark gateway config containerd',
    });
  const own = registry === 'docker.io' ? 'registry-1.docker.io' : registry;
  if (entries.some((entry) => hostOf(entry) === hostOf(own) && !isForPushes(at(hosts, 'host', entry))))
    findings.push({
      id: 'hosts-own-registry',
      severity: 'critical',
      subject: file,
      message: `${own} itself is a [host]: what it says is never verified`,
      fix: 'give the gateway alone as [host]: hallmark gateway config containerd',
    });
  if (entries.length === 1 && hasMirrors(machine))
    findings.push({
      id: 'hosts-with-mirrors',
      severity: 'warning',
      subject: file,
      message: 'one [host] only, and daemon.json has registry-mirrors: Docker puts those before it for docker.io',
      fix: 'name the gateway twice, or remove registry-mirrors from /etc/docker/daemon.json',
    });
  return findings;
}

/** Without capabilities a host is for everything. */
function isForPushes(host: unknown): boolean {
  const capabilities = at(tableOf(host), 'capabilities');
  return Array.isArray(capabilities) && capabilities.every((capability) => capability === 'push');
}

function hasMirrors(machine: Machine): boolean {
  const daemon = parseJson(machine.text(machine.system('/etc/docker/daemon.json')) ?? '');
  const mirrors = at(daemon, 'registry-mirrors');
  return Array.isArray(mirrors) && mirrors.length > 0;
}

/** The host of an address, which may lack its scheme. */
function hostOf(address: string): string {
  return address
    .replace(/^[a-z]+:\/\//i, '')
    .replace(/\/.*$/, '')
    .toLowerCase();
}
