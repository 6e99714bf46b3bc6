// SPDX-License-Identifier: Apache-2.0
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { DecodeError } from '../../../encoding/index.ts';
import {
  kindOf,
  leafCertificate,
  MetadataError,
  notaryV1,
  type PublicKey,
  parseRoleName,
  type Root,
  type Signed,
  TIMESTAMP,
} from '../../../tuf/index.ts';
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
    const signed = readSigned(machine.text(file) ?? '', name);
    if (signed === undefined) return [];
    const certificates = signed.type === 'root' ? certificateFindings(machine, gun, signed) : [];
    return [...expiryFindings(machine, gun, name, signed.expires), ...certificates];
  });
}

function expiryFindings(machine: Machine, gun: string, name: string, expires: Date): readonly Finding[] {
  const end = endOf(machine, expires);
  if (end === undefined) return [];
  return [
    {
      id: 'metadata-expires',
      severity: 'warning',
      subject: `${gun} ${name}`,
      message: `${end}: its tags are refused${afterwards(end)}`,
      fix: `if it is yours: hallmark witness ${gun} ${name}, then hallmark publish ${gun}`,
    },
  ];
}

/**
 * Certificates around root keys end by themselves, whatever the root says, as those of Docker Official Images did from August
 * 2025 on. What counts is when fewer of them hold than have to sign.
 */
function certificateFindings(machine: Machine, gun: string, root: Root): readonly Finding[] {
  const { keyIds, threshold } = root.roles.get('root') ?? { keyIds: [], threshold: 1 };
  const keys = keyIds.flatMap((id) => root.keys.get(id) ?? []);
  const ends = keys.flatMap((key) => certificateEnd(key) ?? []).sort((a, b) => b.getTime() - a.getTime());
  const last = ends[threshold - 1];
  const end = last === undefined ? undefined : endOf(machine, last);
  if (end === undefined) return [];
  return [
    {
      id: 'root-certificate-expires',
      severity: 'warning',
      subject: `${gun} root`,
      message: `the certificate of its root key ${end}: its tags are refused${afterwards(end)}`,
      fix: `if it is yours: hallmark key renew-certificate ${gun}`,
    },
  ];
}

function certificateEnd(key: PublicKey): Date | undefined {
  try {
    return key.type.endsWith('-x509') ? leafCertificate(key).validToDate : undefined;
  } catch (error) {
    if (error instanceof MetadataError) return undefined;
    throw error;
  }
}

/** `expires 2026-12-20`; undefined of what is valid for longer than a month. */
function endOf({ now }: Machine, moment: Date): string | undefined {
  const days = (moment.getTime() - now.getTime()) / DAY;
  if (days > SOON_DAYS) return undefined;
  return `${days < 0 ? 'expired' : 'expires'} ${moment.toISOString().slice(0, 10)}`;
}

function afterwards(end: string): string {
  return end.startsWith('expired') ? '' : ' from then on';
}

function readSigned(text: string, name: string): Signed | undefined {
  try {
    return notaryV1.decode(kindOf(parseRoleName(name)), new TextEncoder().encode(text)).signed;
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
