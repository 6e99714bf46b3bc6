// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Machine } from '../../src/cli/doctor/index.ts';
import type { MachineOptions } from '../../src/cli/doctor/machine.ts';

export const NOW = new Date('2026-11-25T12:00:00Z');
export const HOSTS_WELL = `server = "https://gw"\n[host."https://gw"]\ncapabilities = ["pull"]\n`;

/** A machine below `root` whose files are given by path; those that begin with `~` lie in the user's home. */
export function machineWith(
  root: string,
  files: Readonly<Record<string, string>>,
  options: Partial<MachineOptions> = {},
): Machine {
  const home = join(root, 'home');
  for (const [path, text] of Object.entries(files)) {
    const place = path.startsWith('~') ? join(home, path.slice(1)) : join(root, path);
    mkdirSync(dirname(place), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(place, text, { mode: 0o600 });
    else mkdirSync(place, { recursive: true });
  }
  return new Machine({
    root,
    env: {},
    now: NOW,
    trustDirectory: join(home, '.docker/trust'),
    dockerConfig: join(home, '.docker'),
    ask: async () => undefined,
    serverTime: async () => undefined,
    ...options,
  });
}
