// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { hallmark, packageVersion } from './support/programs.ts';

/** On what, when and with which versions the figures were made. */
export function describeMachine(now: Date): readonly string[] {
  const [cpu] = cpus();
  const cores = `${cpus().length} cores, ${Math.round(totalmem() / 1024 ** 3)} GiB`;
  const packages = ['notary', 'wrk'].map((name) => `${name} ${packageVersion(name) ?? 'not installed'}`);
  return [
    `${now.toISOString().slice(0, 10)}; ${cpu?.model ?? 'unknown processor'}, ${cores}; ${platform()} ${release()} ${arch()}`,
    `Hallmark ${hallmarkVersion()} on Bun ${Bun.version}; Debian's ${packages.join(', ')}`,
  ];
}

function hallmarkVersion(): string {
  return existsSync(hallmark) ? Bun.spawnSync([hallmark, '--version']).stdout.toString().trim() : 'not built';
}
