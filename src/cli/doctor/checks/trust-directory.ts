// SPDX-License-Identifier: Apache-2.0
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { DecodeError } from '../../../encoding/index.ts';
import { kindOf, MetadataError, notaryV1, parseRoleName, TIMESTAMP } from '../../../tuf/index.ts';
import type { Check, Finding } from '../finding.ts';
import type { Machine } from '../machine.ts';

const DAY = 86_400_000;
const SOON_DAYS = 30;
const OTHERS_READ = 0o077;
const OTHERS_WRITE = 0o022;
const MAX_DEPTH = 24;

/** The trust directory: keys that others can read, pins that others can write, trust data that runs out. */
export const trustDirectory: Check = {
  about: 'trust directory',
  run: (machine) => [...keyFindings(machine), ...pinFindings(machine), ...metadataFindings(machine)],
};

function keyFindings(machine: Machine): readonly Finding[] {
  return filesBelow(machine, join(machine.trustDirectory, 'private'))
    .filter((file) => file.endsWith('.key') && ((machine.mode(file) ?? 0) & OTHERS_READ) !== 0)
    .map((file) => ({
      id: 'key-readable',
      severity: 'critical',
      subject: file,
      message:
        'others on this machine can read this private key: only its passphrase stands between them and your signature',
      fix: `chmod 600 ${file}, and think of rotating the key`,
      mend: () => chmodSync(file, 0o600),
    }));
}

function pinFindings(machine: Machine): readonly Finding[] {
  const file = join(machine.trustDirectory, 'hallmark', 'pins.json');
  if (((machine.mode(file) ?? 0) & OTHERS_WRITE) === 0) return [];
  return [
    {
      id: 'pins-writable',
      severity: 'critical',
      subject: file,
      message: 'others on this machine can change whom you trust',
      fix: `chmod 600 ${file}, and look at it: hallmark pin list`,
      mend: () => chmodSync(file, 0o600),
    },
  ];
}

/** Of what was trusted last: the timestamp is the server's to renew, the rest its publisher's. */
function metadataFindings(machine: Machine): readonly Finding[] {
  const start = join(machine.trustDirectory, 'tuf');
  return filesBelow(machine, start).flatMap((file) => {
    const [, gun, name] = /^(.+)\/metadata\/(.+)\.json$/.exec(file.slice(start.length + 1)) ?? [];
    if (gun === undefined || name === undefined || name === TIMESTAMP) return [];
    const expires = expiryOf(machine.text(file) ?? '', name);
    const days = expires === undefined ? undefined : (expires.getTime() - machine.now.getTime()) / DAY;
    if (days === undefined || days > SOON_DAYS) return [];
    const date = expires?.toISOString().slice(0, 10);
    return [
      {
        id: 'metadata-expires',
        severity: 'warning',
        subject: `${gun} ${name}`,
        message:
          days < 0 ? `expired ${date}: its tags are refused` : `expires ${date}: its tags are refused from then on`,
        fix: `if it is yours: hallmark witness ${gun} ${name}, then hallmark publish ${gun}`,
      },
    ];
  });
}

function expiryOf(text: string, name: string): Date | undefined {
  try {
    return notaryV1.decode(kindOf(parseRoleName(name)), new TextEncoder().encode(text)).signed.expires;
  } catch (error) {
    // a cache that is damaged is told by whoever uses it
    if (error instanceof MetadataError || error instanceof DecodeError) return undefined;
    throw error;
  }
}

function filesBelow(machine: Machine, directory: string, depth = 0): readonly string[] {
  if (depth > MAX_DEPTH) return [];
  return machine.names(directory).flatMap((name) => {
    const path = join(directory, name);
    return machine.isDirectory(path) ? filesBelow(machine, path, depth + 1) : [path];
  });
}
