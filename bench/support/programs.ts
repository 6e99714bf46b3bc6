// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const repositoryRoot = resolve(import.meta.dir, '../..');

/** What `npm run build` makes. */
export const hallmark = join(repositoryRoot, 'dist/hallmark');

/** The programs that Hallmark is held against and measured with, and the Debian packages that bring them. */
const PROGRAMS = {
  notary: { place: '/usr/bin/notary', aptPackage: 'notary' },
  'notary-server': { place: '/usr/bin/notary-server', aptPackage: 'notary' },
  'notary-signer': { place: '/usr/bin/notary-signer', aptPackage: 'notary' },
  mariadb: { place: '/usr/sbin/mariadbd', aptPackage: 'mariadb-server' },
  postgres: { place: '/usr/lib/postgresql/15/bin/postgres', aptPackage: 'postgresql-15' },
  'docker-registry': { place: '/usr/bin/docker-registry', aptPackage: 'docker-registry' },
  docker: { place: '/usr/bin/docker', aptPackage: 'docker.io' },
  dockerd: { place: '/usr/sbin/dockerd', aptPackage: 'docker.io' },
  tar: { place: '/usr/bin/tar', aptPackage: 'tar' },
  wrk: { place: '/usr/bin/wrk', aptPackage: 'wrk' },
} as const;

export type ProgramName = keyof typeof PROGRAMS;

export function program(name: ProgramName): string {
  return PROGRAMS[name].place;
}

/** The Debian packages to install for those of `names` that are missing. */
export function missingPackages(names: readonly ProgramName[]): readonly string[] {
  const missing = names.filter((name) => !existsSync(PROGRAMS[name].place));
  return [...new Set(missing.map((name) => PROGRAMS[name].aptPackage))];
}

/** The installed version of a Debian package, or undefined. */
export function packageVersion(name: string): string | undefined {
  if (Bun.which('dpkg-query') === null) return undefined;
  const { exitCode, stdout } = Bun.spawnSync(['dpkg-query', '-W', '-f', '${' + 'Version}', name], { stderr: 'ignore' });
  return exitCode === 0 ? stdout.toString() : undefined;
}
