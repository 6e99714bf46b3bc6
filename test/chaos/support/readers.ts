// SPDX-License-Identifier: Apache-2.0
import { DownloadError } from '../../../src/client/index.ts';
import type { Gun } from '../../../src/tuf/index.ts';
import type { Random } from '../../support/random.ts';
import type { Cluster } from './cluster.ts';
import { reader } from './publishers.ts';

export interface Reads {
  /** Updates that a client verified. */
  verified: number;
  /** Updates for which no server could be had. */
  unavailable: number;
  /** What a client refused: there must be none. */
  readonly violations: string[];
}

/** Clients that remember what they saw, and look again and again at whatever replica they get. */
export async function readUntil(
  done: () => boolean,
  { cluster, guns, clients, dice }: { cluster: Cluster; guns: readonly Gun[]; clients: number; dice: Random },
): Promise<Reads> {
  const reads: Reads = { verified: 0, unavailable: 0, violations: [] };
  const client = async () => {
    const refreshes = guns.map((gun) => ({ gun, refresh: reader(cluster, gun) }));
    while (!done()) {
      const { gun, refresh } = dice.pick(refreshes);
      try {
        await refresh();
        reads.verified++;
      } catch (error) {
        if (error instanceof DownloadError && error.code !== 'not-found') reads.unavailable++;
        else reads.violations.push(`${gun}: ${error instanceof Error ? error.message : String(error)}`);
        // everything is down for a moment: leave the processor to what starts again
        await Bun.sleep(5);
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return reads;
}
