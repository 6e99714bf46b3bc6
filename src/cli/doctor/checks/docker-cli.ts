// SPDX-License-Identifier: Apache-2.0
import type { Check, Finding } from '../finding.ts';
import type { Machine } from '../machine.ts';

/** The first version whose pull, push, run and build take no notice of content trust. */
const FIRST_WITHOUT_TRUST = 29;
const FALSE = new Set(['', '0', 'f', 'F', 'false', 'False', 'FALSE']);

/** Docker's CLI: whether what the user asked for with DOCKER_CONTENT_TRUST is done. */
export const dockerCli: Check = {
  about: 'Docker CLI',
  async run(machine) {
    const version = /Docker version (\d+)/.exec((await machine.ask(['docker', '--version'])) ?? '')?.[1];
    if (version === undefined) return [];
    const isDeaf = Number(version) >= FIRST_WITHOUT_TRUST;
    const findings: Finding[] = [];
    if (isDeaf && isWanted(machine)) findings.push(ignored(version));
    if (isDeaf && !hasTrustPlugin(machine)) findings.push(noPlugin(version));
    return findings;
  },
};

function isWanted({ env }: Machine): boolean {
  return env.DOCKER_CONTENT_TRUST !== undefined && !FALSE.has(env.DOCKER_CONTENT_TRUST);
}

function ignored(version: string): Finding {
  return {
    id: 'docker-ignores-content-trust',
    severity: 'critical',
    subject: `docker ${version}`,
    message: `DOCKER_CONTENT_TRUST is set, and Docker CLI ${version} takes no notice of it: it pulls, runs and builds unverified images without a word`,
    fix: 'use hallmark pull and push, or let hallmark engine-proxy or hallmark docker stand before the engine',
  };
}

function noPlugin(version: string): Finding {
  return {
    id: 'docker-trust-missing',
    severity: 'note',
    subject: `docker ${version}`,
    message: `this Docker CLI has no trust command of its own`,
    fix: 'hallmark install-plugin',
  };
}

const PLUGIN_PLACES = [
  '/usr/local/lib/docker/cli-plugins',
  '/usr/local/libexec/docker/cli-plugins',
  '/usr/lib/docker/cli-plugins',
  '/usr/libexec/docker/cli-plugins',
];

function hasTrustPlugin(machine: Machine): boolean {
  const places = [`${machine.dockerConfig}/cli-plugins`, ...PLUGIN_PLACES.map((place) => machine.system(place))];
  return places.some((place) => machine.names(place).includes('docker-trust'));
}
