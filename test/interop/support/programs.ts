// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Where a program may be, best first, and the Debian package that brings it. */
const PROGRAMS = {
  // A docker in /usr/local is the newer one: Debian 12's own CLI is 20.10.
  docker: { places: ['/usr/local/bin/docker', '/usr/bin/docker'], aptPackage: 'docker.io' },
  dockerd: { places: ['/usr/sbin/dockerd', '/usr/bin/dockerd', '/usr/local/bin/dockerd'], aptPackage: 'docker.io' },
  'docker-registry': { places: ['/usr/bin/docker-registry'], aptPackage: 'docker-registry' },
  containerd: { places: ['/usr/bin/containerd'], aptPackage: 'containerd' },
  ctr: { places: ['/usr/bin/ctr'], aptPackage: 'containerd' },
  podman: { places: ['/usr/bin/podman'], aptPackage: 'podman' },
  skopeo: { places: ['/usr/bin/skopeo'], aptPackage: 'skopeo' },
  notary: { places: ['/usr/bin/notary'], aptPackage: 'notary' },
  'notary-server': { places: ['/usr/bin/notary-server'], aptPackage: 'notary' },
  'notary-signer': { places: ['/usr/bin/notary-signer'], aptPackage: 'notary' },
  'softhsm2-util': { places: ['/usr/bin/softhsm2-util'], aptPackage: 'softhsm2' },
  'systemd-analyze': { places: ['/usr/bin/systemd-analyze', '/bin/systemd-analyze'], aptPackage: 'systemd' },
  'docker-compose': {
    places: ['/usr/bin/docker-compose', '/usr/local/bin/docker-compose'],
    aptPackage: 'docker-compose',
  },
  postgres: { places: ['/usr/lib/postgresql/15/bin/postgres'], aptPackage: 'postgresql-15' },
  initdb: { places: ['/usr/lib/postgresql/15/bin/initdb'], aptPackage: 'postgresql-15' },
  setpriv: { places: ['/usr/bin/setpriv'], aptPackage: 'util-linux' },
  openssl: { places: ['/usr/bin/openssl'], aptPackage: 'openssl' },
  zsh: { places: ['/usr/bin/zsh'], aptPackage: 'zsh' },
  fish: { places: ['/usr/bin/fish'], aptPackage: 'fish' },
  groff: { places: ['/usr/bin/groff'], aptPackage: 'groff' },
  busybox: { places: ['/bin/busybox', '/usr/bin/busybox'], aptPackage: 'busybox-static' },
  tar: { places: ['/usr/bin/tar', '/bin/tar'], aptPackage: 'tar' },
} as const;

export type ProgramName = keyof typeof PROGRAMS;

export const repositoryRoot = resolve(import.meta.dir, '../../..');

/**
 * The absolute path of a program that the suite needs. `HALLMARK_INTEROP_DOCKER` names another docker CLI.
 * Throws, naming the package to install: a missing program is a failure, never a skipped test.
 */
export function program(name: ProgramName): string {
  const chosen = name === 'docker' ? process.env.HALLMARK_INTEROP_DOCKER : undefined;
  const { places, aptPackage } = PROGRAMS[name];
  const found = (chosen === undefined ? places : [chosen]).find((place) => existsSync(place));
  if (found === undefined) throw new Error(`${name} is missing: install the Debian package ${aptPackage}`);
  return found;
}

/** The command line that starts Hallmark; `HALLMARK_INTEROP_PROGRAM` names a built executable to test instead. */
export function hallmarkProgram(): readonly string[] {
  const built = process.env.HALLMARK_INTEROP_PROGRAM;
  if (built !== undefined) return [resolve(built)];
  // as its first line says
  return [process.execPath, '--no-env-file', '--config=/dev/null', join(repositoryRoot, 'bin/hallmark.ts')];
}

/** The notary CLI: the original, or Hallmark called as notary if `HALLMARK_INTEROP_NOTARY` says so. */
export function notaryProgram(): readonly string[] {
  const kind = process.env.HALLMARK_INTEROP_NOTARY ?? 'notary';
  if (kind === 'hallmark') return [...hallmarkProgram(), 'notary'];
  if (kind === 'notary') return [program('notary')];
  throw new Error(`HALLMARK_INTEROP_NOTARY must be notary or hallmark, not ${kind}`);
}

/** Which trust server the suites run against: Hallmark, or the original to prove the suites themselves. */
export type TrustServerKind = 'hallmark' | 'notary';

export function trustServerUnderTest(): TrustServerKind {
  const kind = process.env.HALLMARK_INTEROP_SERVER ?? 'hallmark';
  if (kind !== 'hallmark' && kind !== 'notary') {
    throw new Error(`HALLMARK_INTEROP_SERVER must be hallmark or notary, not ${kind}`);
  }
  return kind;
}

/** The environment of every program: nothing of the caller's Docker, Notary or proxy settings gets in. */
export function cleanEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    TERM: 'xterm',
    TZ: 'UTC',
    ...extra,
  };
}
