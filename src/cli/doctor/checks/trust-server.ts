// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import type { Check, Finding } from '../finding.ts';
import type { Machine } from '../machine.ts';

const DAY = 86_400_000;
const SOON_DAYS = 30;
const OTHERS_READ = 0o077;
/** More than clients and servers allow each other. */
const SKEW_SECONDS = 60;
const HUB = 'https://notary.docker.io';
const HUB_ENDS = new Date('2026-12-08T00:00:00Z');

/** The trust server: TLS, its end, certificates that run out, and clocks that disagree. */
export const trustServer: Check = {
  about: 'trust server',
  async run(machine) {
    const url = machine.env.DOCKER_CONTENT_TRUST_SERVER || undefined;
    return [
      ...addressFindings(url),
      ...hubFindings(machine, url),
      ...certificateFindings(machine),
      ...clientKeyFindings(machine),
      ...(await clockFindings(machine, url ?? HUB)),
    ];
  },
};

function addressFindings(url: string | undefined): readonly Finding[] {
  if (url === undefined || URL.parse(url)?.protocol !== 'http:') return [];
  return [
    {
      id: 'trust-server-without-tls',
      severity: 'critical',
      subject: url,
      message: 'DOCKER_CONTENT_TRUST_SERVER has no TLS: on first use anybody on the way can name keys of their own',
      fix: 'use https, with --ca or ~/.docker/tls for an authority of your own',
    },
  ];
}

/** Whoever has trust data of Docker Hub, and has named no other server for it. */
function hubFindings(machine: Machine, url: string | undefined): readonly Finding[] {
  const uses = (url ?? HUB) === HUB && machine.names(join(machine.trustDirectory, 'tuf', 'docker.io')).length > 0;
  if (!uses) return [];
  const isOver = machine.now.getTime() >= HUB_ENDS.getTime();
  return [
    {
      id: 'notary-docker-io-ends',
      severity: isOver ? 'critical' : 'warning',
      subject: HUB,
      message: isOver ? 'ended 2026-12-08: Docker Hub images cannot be verified by it' : 'ends 2026-12-08',
      fix: 'hallmark archive keeps the trust data; name another server with DOCKER_CONTENT_TRUST_SERVER',
    },
  ];
}

function certificateFindings(machine: Machine): readonly Finding[] {
  const start = join(machine.dockerConfig, 'tls');
  return machine.names(start).flatMap((host) =>
    machine
      .names(join(start, host))
      .filter((name) => /\.(?:crt|cert)$/.test(name))
      .flatMap((name) => checkCertificate(machine, host, join(start, host, name))),
  );
}

/** With the key of a client certificate anybody is its owner, for a server that asks for one. */
function clientKeyFindings(machine: Machine): readonly Finding[] {
  const start = join(machine.dockerConfig, 'tls');
  const files = machine
    .names(start)
    .flatMap((host) => machine.names(join(start, host)).map((name) => join(start, host, name)));
  return files
    .filter((file) => file.endsWith('.key') && ((machine.mode(file) ?? 0) & OTHERS_READ) !== 0)
    .map((file) => ({
      id: 'client-key-readable',
      severity: 'critical',
      subject: file,
      message: 'others on this machine can read the key of this client certificate',
      fix: `chmod 600 ${file}, and think of a new certificate`,
      mend: () => chmodSync(file, 0o600),
    }));
}

function checkCertificate(machine: Machine, host: string, file: string): readonly Finding[] {
  const end = endOf(machine.text(file) ?? '');
  const about = { severity: 'warning', subject: file } as const;
  if (end === undefined)
    return [{ ...about, id: 'certificate-unreadable', message: 'not a certificate', fix: `replace ${file}` }];
  if ((end.getTime() - machine.now.getTime()) / DAY > SOON_DAYS) return [];
  const verb = end.getTime() < machine.now.getTime() ? 'expired' : 'expires';
  const message = `${verb} ${end.toISOString().slice(0, 10)}: ${host} cannot be reached from then on`;
  return [{ ...about, id: 'certificate-expires', message, fix: `get a new one for ${host}` }];
}

function endOf(pem: string): Date | undefined {
  try {
    return new X509Certificate(pem).validToDate;
  } catch {
    return undefined;
  }
}

/** Freshness is judged by this machine's clock: one that is slow accepts what has expired. */
async function clockFindings(machine: Machine, url: string): Promise<readonly Finding[]> {
  const theirs = await machine.serverTime(url);
  if (theirs === undefined) return [];
  const seconds = Math.round((machine.now.getTime() - theirs.getTime()) / 1000);
  if (Math.abs(seconds) <= SKEW_SECONDS) return [];
  return [
    {
      id: 'clock-skew',
      severity: seconds < 0 ? 'critical' : 'warning',
      subject: new URL(url).host,
      message: `this machine's clock is ${Math.abs(seconds)} s ${seconds < 0 ? 'behind: it takes expired trust data for valid' : 'ahead: it may refuse valid trust data'}`,
      fix: 'set the clock, and keep it right with NTP',
    },
  ];
}
