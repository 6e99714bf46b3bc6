// SPDX-License-Identifier: Apache-2.0
import { type HttpFetch, metadataUrl } from '../../../src/client/index.ts';
import { encodeHex } from '../../../src/encoding/index.ts';
import { type Gun, type MetaFile, notaryV1, sha256Hex, TARGETS } from '../../../src/tuf/index.ts';
import type { Record } from './publishers.ts';

interface Server {
  readonly url: string;
  readonly fetch: HttpFetch;
}

export interface History {
  readonly timestamps: number;
  readonly targets: number;
  /** What is wrong with it: there must be nothing. */
  readonly faults: readonly string[];
}

/**
 * All that a repository ever was, read by version: linear, without gaps, each version leading to files that exist, tags
 * only added; and in it every publish that was acknowledged, none that was refused.
 */
export async function readHistory(server: Server, record: Record): Promise<History> {
  const { gun } = record;
  const faults: string[] = [];
  const timestamps = await versions(server, gun, 'timestamp', faults);
  const targets = await versions(server, gun, 'targets', faults);
  await checkChain(server, gun, timestamps, targets, faults);
  checkTags(targets, record, faults);
  checkOutcomes(targets, record, faults);
  return { timestamps: timestamps.length, targets: targets.length, faults: faults.map((fault) => `${gun}: ${fault}`) };
}

/** Every version of a role from its first, which is 1 or 2; the next after a gap is a fault. */
async function versions(server: Server, gun: Gun, role: string, faults: string[]): Promise<readonly Uint8Array[]> {
  const files: Uint8Array[] = [];
  const at = (version: number) => get(server, metadataUrl(server.url, gun, `${version}.${role}.json`));
  const first = (await at(1)) === undefined ? 2 : 1;
  for (let version = first; ; version++) {
    const file = await at(version);
    if (file === undefined) {
      // a gap of a few versions would hide what is above it
      for (let ahead = 1; ahead <= 5; ahead++) {
        if ((await at(version + ahead)) !== undefined)
          faults.push(`${role} ${version} is missing below ${version + ahead}`);
      }
      return files;
    }
    files.push(file);
  }
}

async function checkChain(
  server: Server,
  gun: Gun,
  timestamps: readonly Uint8Array[],
  targets: readonly Uint8Array[],
  faults: string[],
): Promise<void> {
  const byHash = new Map(targets.map((file, index) => [sha256Hex(file), index]));
  let newest = 0;
  for (const [index, file] of timestamps.entries()) {
    const pin = notaryV1.decode('timestamp', file).signed.snapshot;
    const snapshot = await get(server, metadataUrl(server.url, gun, `snapshot.${hashOf(pin)}.json`));
    if (snapshot === undefined) {
      faults.push(`timestamp ${index + 1} names a snapshot that does not exist`);
      continue;
    }
    const named = notaryV1.decode('snapshot', snapshot).signed.meta.get(TARGETS);
    const position = named && byHash.get(hashOf(named));
    if (position === undefined) faults.push(`timestamp ${index + 1} leads to targets that do not exist`);
    else if (position < newest) faults.push(`timestamp ${index + 1} leads back to older targets`);
    newest = Math.max(newest, position ?? 0);
  }
  if (newest !== targets.length - 1) faults.push('the newest targets are not what the newest timestamp leads to');
}

function checkTags(targets: readonly Uint8Array[], record: Record, faults: string[]): void {
  let before: ReadonlySet<string> = new Set();
  for (const [index, file] of targets.entries()) {
    const tags = notaryV1.decode('targets', file).signed.targets;
    for (const tag of before) if (!tags.has(tag)) faults.push(`targets ${index} lost ${tag}`);
    before = new Set(tags.keys());
  }
  const newest = targets.at(-1);
  const tags = newest === undefined ? new Map() : notaryV1.decode('targets', newest).signed.targets;
  for (const [tag, digest] of record.tags) {
    const hash = tags.get(tag)?.hashes.get('sha256');
    if (hash === undefined) faults.push(`acknowledged ${tag} is lost`);
    else if (encodeHex(hash) !== digest) faults.push(`${tag} has another digest`);
  }
}

function checkOutcomes(targets: readonly Uint8Array[], record: Record, faults: string[]): void {
  const stored = new Set(targets.map(sha256Hex));
  for (const sent of record.acknowledged) if (!stored.has(sent)) faults.push(`acknowledged ${sent} is not stored`);
  for (const sent of record.refused) if (stored.has(sent)) faults.push(`refused ${sent} is stored`);
  for (const file of stored) {
    if (!record.acknowledged.has(file) && !record.unknown.has(file)) faults.push(`nobody sent ${file}`);
  }
}

function hashOf(pin: MetaFile): string {
  return encodeHex(pin.hashes?.get('sha256') ?? new Uint8Array());
}

async function get({ fetch }: Server, url: string): Promise<Uint8Array | undefined> {
  const response = await fetch(url, {});
  if (response.status === 404) return undefined;
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
  return response.bytes();
}
