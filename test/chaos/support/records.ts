// SPDX-License-Identifier: Apache-2.0
import type { MetadataStorage } from '../../../src/server/index.ts';
import type { Gun } from '../../../src/tuf/index.ts';

const PAGE = 1000;

/**
 * What the database says beside the files: one entry of the changefeed and one of the audit log for each timestamp, in the
 * order of their versions, without a gap.
 */
export async function checkRecords(storage: MetadataStorage, gun: Gun, timestamps: number): Promise<readonly string[]> {
  const faults: string[] = [];
  const versions: number[] = [];
  for (let bound = 0; ; ) {
    const changes = await storage.changes({ gun, from: 'oldest', bound, limit: PAGE });
    versions.push(...changes.map(({ version }) => version));
    bound = Number(changes.at(-1)?.id ?? bound);
    if (changes.length < PAGE) break;
  }
  if (versions.join() !== Array.from({ length: timestamps }, (_, index) => index + 1).join())
    faults.push(`${gun}: changefeed has timestamps ${versions.join()} of ${timestamps}`);
  const audited: number[] = [];
  for (let after = 0, more = true; more; ) {
    const records = await storage.audit({ gun, after, limit: PAGE });
    for (const { action, detail } of records) if (action === 'publish') audited.push(timestampOf(detail.files));
    after = Number(records.at(-1)?.id ?? after);
    more = records.length === PAGE;
  }
  if (audited.join() !== versions.join()) faults.push(`${gun}: audit log has timestamps ${audited.join()}`);
  return faults;
}

function timestampOf(files: unknown): number {
  const all = files as readonly { readonly role: string; readonly version: number }[];
  return all.find(({ role }) => role === 'timestamp')?.version ?? 0;
}
