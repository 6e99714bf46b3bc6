// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { Check, Finding } from '../finding.ts';
import type { Machine } from '../machine.ts';
import { at, listOf, parseJson } from '../settings-files.ts';
import { HOSTS_PLACES, redirectedRegistries } from './gateway-hosts.ts';

const DAEMON = '/etc/docker/daemon.json';

/** The first engine that reads hosts.toml, and what it says of the one image store with which it does. */
const FIRST_WITH_HOSTS = 28;
const CONTAINERD_STORE = 'io.containerd.snapshotter';

/** The engine's settings: hosts files that it does not read, mirrors that are no protection, registries without TLS, builders of their own. */
export const dockerEngine: Check = {
  about: 'Docker engine',
  async run(machine) {
    return [...daemonFindings(machine), ...(await unreadHosts(machine)), ...builderFindings(machine)];
  },
};

async function unreadHosts(machine: Machine): Promise<readonly Finding[]> {
  if (redirectedRegistries(machine, 'docker').length === 0) return [];
  const told = await machine.ask(['docker', 'info', '--format', '{{.ServerVersion}} {{json .DriverStatus}}']);
  const version = /^(\d+)\./.exec(told ?? '')?.[1];
  if (told === undefined || version === undefined) return [];
  if (Number(version) >= FIRST_WITH_HOSTS && told.includes(CONTAINERD_STORE)) return [];
  return [
    {
      id: 'hosts-not-read',
      severity: 'critical',
      subject: HOSTS_PLACES.docker,
      message: `this engine (${version}) reads hosts.toml not at all, or only with containerd's image store, which it does not use: it pulls straight from registries`,
      fix: 'use Docker 28 or newer with the containerd image store, or let hallmark engine-proxy stand before the engine',
    },
  ];
}

function daemonFindings(machine: Machine): readonly Finding[] {
  const text = machine.text(machine.system(DAEMON));
  if (text === undefined) return [];
  const daemon = parseJson(text);
  if (daemon === undefined)
    return [
      {
        id: 'daemon-malformed',
        severity: 'warning',
        subject: DAEMON,
        message: 'not valid JSON',
        fix: `mend ${DAEMON}`,
      },
    ];
  const findings: Finding[] = [];
  const usesContainerd = at(daemon, 'features', 'containerd-snapshotter') === true;
  if (listOf(at(daemon, 'registry-mirrors')).length > 0 && !usesContainerd)
    findings.push({
      id: 'mirrors-fall-back',
      severity: 'warning',
      subject: DAEMON,
      message:
        'registry-mirrors hold for docker.io only, and whatever a mirror refuses is pulled from Docker Hub itself',
      fix: 'let hallmark engine-proxy or the AuthZ plugin enforce, or use the containerd image store with hosts.toml',
    });
  const open = listOf(at(daemon, 'hosts'))
    .map(String)
    .filter((host) => host.startsWith('tcp://'));
  if (open.length > 0 && at(daemon, 'tlsverify') !== true) findings.push(openAddress(open));
  const insecure = listOf(at(daemon, 'insecure-registries')).map(String);
  if (insecure.length > 0)
    findings.push({
      id: 'insecure-registries',
      severity: 'warning',
      subject: DAEMON,
      message: `registries without checked TLS: ${insecure.join(', ')}: anybody on the way can read logins and see what is pulled`,
      fix: 'give them certificates, and place their authority in /etc/docker/certs.d',
    });
  return findings;
}

/** The engine asks nobody who they are there: whoever reaches it runs what they like, as root, past any proxy before its socket. */
function openAddress(hosts: readonly string[]): Finding {
  return {
    id: 'engine-address-open',
    severity: 'critical',
    subject: DAEMON,
    message: `the engine listens on ${hosts.join(', ')} without tlsverify: whoever reaches it pulls and runs what they like, as root`,
    fix: 'take the address out of hosts, or set tlsverify with tlscacert, tlscert and tlskey',
  };
}

/** Builders in containers pull by a configuration of their own, past the engine's. */
function builderFindings(machine: Machine): readonly Finding[] {
  const place = join(machine.dockerConfig, 'buildx', 'instances');
  return machine.names(place).flatMap((name) => {
    const driver = at(parseJson(machine.text(join(place, name)) ?? ''), 'Driver');
    if (driver !== 'docker-container' && driver !== 'kubernetes' && driver !== 'remote') return [];
    return [
      {
        id: 'builder-of-its-own',
        severity: 'warning',
        subject: `builder ${name}`,
        message: `a builder with driver ${driver} pulls base images by its own configuration, past the engine's hosts.toml and proxy`,
        fix: 'give it a buildkitd.toml with the gateway as only mirror, or build with the default builder',
      } as const,
    ];
  });
}
