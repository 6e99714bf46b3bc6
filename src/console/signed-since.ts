// SPDX-License-Identifier: Apache-2.0
import { encodeHex } from '../encoding/index.ts';
import { type Gun, notaryV1, RELEASES, type RoleName, TARGETS } from '../tuf/index.ts';
import type { ConsoleSource } from './source.ts';

/** Since when a tag has meant its digest. */
export interface Since {
  readonly date: Date | undefined;
  /** Whether it may be longer: the versions that were looked at hold it all the way back. */
  readonly orLonger: boolean;
}

/** Versions of a role that are looked through for dates: each may have thousands of tags. */
const LOOK_BACK = 25;

/** Metadata has no dates of tags, so they are those of the first version of a role that holds them, as the server keeps it. */
export async function signedSince(source: ConsoleSource, gun: Gun): Promise<(tag: string, sha256: string) => Since> {
  const dates = await Promise.all([TARGETS, RELEASES].map((role) => datesOf(source, gun, role)));
  return (tag, sha256) => {
    const pair = `${tag}\n${sha256}`;
    const found = dates.flatMap((ofRole) => ofRole.get(pair) ?? []);
    return found.sort((a, b) => timeOf(a) - timeOf(b))[0] ?? { date: undefined, orLonger: false };
  };
}

function timeOf({ date }: Since): number {
  return date?.getTime() ?? Number.POSITIVE_INFINITY;
}

async function datesOf(source: ConsoleSource, gun: Gun, role: RoleName): Promise<ReadonlyMap<string, Since>> {
  const versions = await source.history(gun, role, { limit: LOOK_BACK });
  const since = new Map<string, Since>();
  let held: ReadonlySet<string> | undefined;
  for (const [index, { version, createdAt }] of versions.entries()) {
    const file = await source.byVersion(gun, role, version);
    const pairs = file === undefined ? new Set<string>() : pairsIn(file.bytes);
    held = held === undefined ? pairs : new Set([...held].filter((pair) => pairs.has(pair)));
    const isLast = index === versions.length - 1 && versions.length === LOOK_BACK;
    for (const pair of held) since.set(pair, { date: createdAt, orLonger: isLast });
    if (held.size === 0) break;
  }
  return since;
}

function pairsIn(bytes: Uint8Array): ReadonlySet<string> {
  const { signed } = notaryV1.decode('targets', bytes);
  return new Set(
    [...signed.targets].map(([tag, { hashes }]) => `${tag}\n${encodeHex(hashes.get('sha256') ?? new Uint8Array())}`),
  );
}
