// SPDX-License-Identifier: Apache-2.0
import type { Check, Finding } from '../finding.ts';
import type { Machine } from '../machine.ts';
import { HOSTS_PLACES, redirectedRegistries } from './gateway-hosts.ts';

const CTR_PLACES = ['/usr/bin/ctr', '/usr/local/bin/ctr'];
const SOCKETS = ['/run/docker.sock', '/run/containerd/containerd.sock', '/run/podman/podman.sock'];
const OTHERS_WRITE = 0o002;
const MAX_REGISTRIES = 20;

/** Ways past what engines are told: their sockets, ctr, swarm services, and registries that answer everybody. */
export const pastTheGateway: Check = {
  about: 'ways past the gateway',
  async run(machine) {
    return [
      ...socketFindings(machine),
      ...ctrFindings(machine),
      ...(await swarmFindings(machine)),
      ...(await egressFindings(machine)),
    ];
  },
};

function socketFindings(machine: Machine): readonly Finding[] {
  return SOCKETS.filter((path) => ((machine.mode(machine.system(path)) ?? 0) & OTHERS_WRITE) !== 0).map((path) => ({
    id: 'engine-socket-open',
    severity: 'critical',
    subject: path,
    message: 'everybody on this machine may use this socket: to pull and run what they like, as root',
    fix: `chmod o-rw ${path}, and mend the unit that makes it`,
  }));
}

function ctrFindings(machine: Machine): readonly Finding[] {
  const ctr = CTR_PLACES.find((path) => machine.mode(machine.system(path)) !== undefined);
  if (ctr === undefined || redirectedRegistries(machine, 'containerd').length === 0) return [];
  return [
    {
      id: 'ctr-past-hosts',
      severity: 'note',
      subject: ctr,
      message: 'ctr pulls past hosts.toml, unless it is told --hosts-dir: whoever may use containerd’s socket can',
      fix: `leave the socket to root, and pull with crictl, nerdctl or ctr --hosts-dir ${HOSTS_PLACES.containerd}`,
    },
  ];
}

/** `service create` and `stack deploy` ask the registry what a tag means by the engine's old way, whatever hosts.toml says. */
async function swarmFindings(machine: Machine): Promise<readonly Finding[]> {
  const state = (await machine.ask(['docker', 'info', '--format', '{{.Swarm.LocalNodeState}}']))?.trim();
  if (state !== 'active' && state !== 'locked') return [];
  return [
    {
      id: 'swarm-resolves-tags',
      severity: redirectedRegistries(machine, 'docker').length > 0 ? 'warning' : 'note',
      subject: 'docker swarm',
      message:
        'this engine is of a swarm, whose services have their tags resolved at the registry itself, past hosts.toml and mirrors',
      fix: 'name the images of services by digest, as hallmark verify prints them, or create services through hallmark engine-proxy',
    },
  ];
}

/** A firewall cannot be judged from here; that a registry answers can be seen. */
async function egressFindings(machine: Machine): Promise<readonly Finding[]> {
  const { online } = machine;
  if (online === undefined) return [];
  const redirected = [...redirectedRegistries(machine, 'containerd'), ...redirectedRegistries(machine, 'docker')];
  const hosts = new Set(redirected.map((name) => (IS_HUB.has(name) ? 'registry-1.docker.io' : name)));
  const found = await Promise.all(
    [...hosts]
      .slice(0, MAX_REGISTRIES)
      .map(async (host) => ({ host, isOpen: await online.answers(`https://${host}/v2/`) })),
  );
  return found
    .filter(({ isOpen }) => isOpen)
    .map(({ host }) => ({
      id: 'registry-reachable',
      severity: 'note',
      subject: host,
      message:
        'it answers this machine directly, though engines are sent to a gateway: a setting that is lost, or another program, gets past it',
      fix: 'let the gateway alone reach registries: docs/gateway.md',
    }));
}

/** `_default` stands for every registry; Docker Hub's is the one that everybody has. */
const IS_HUB = new Set(['docker.io', '_default']);
