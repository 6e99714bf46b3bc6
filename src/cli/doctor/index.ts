// SPDX-License-Identifier: Apache-2.0
/**
 * What is open on this machine: each check looks at one part of it and gives findings. They read, and change nothing; what
 * mends a finding is done only when the user asks for it.
 *
 *     const findings = await examine(new Machine(options));
 */
import { containerd } from './checks/containerd.ts';
import { dockerCli } from './checks/docker-cli.ts';
import { dockerEngine } from './checks/docker-engine.ts';
import { hostsFiles } from './checks/hosts-files.ts';
import { pastTheGateway } from './checks/past-the-gateway.ts';
import { podman } from './checks/podman.ts';
import { storedImages } from './checks/stored-images.ts';
import { trustDirectory } from './checks/trust-directory.ts';
import { trustServer } from './checks/trust-server.ts';
import type { Check, Finding, Severity } from './finding.ts';
import type { Machine } from './machine.ts';

export type { Finding } from './finding.ts';
export { Machine, type Online } from './machine.ts';

const CHECKS: readonly Check[] = [
  dockerCli,
  hostsFiles,
  containerd,
  dockerEngine,
  podman,
  pastTheGateway,
  storedImages,
  trustDirectory,
  trustServer,
];
const ORDER: readonly Severity[] = ['critical', 'warning', 'note'];

/** All findings, the gravest first. */
export async function examine(machine: Machine): Promise<readonly Finding[]> {
  const found = (await Promise.all(CHECKS.map((check) => check.run(machine)))).flat();
  return found.sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
}

export const EXAMINED: readonly string[] = CHECKS.map(({ about }) => about);
