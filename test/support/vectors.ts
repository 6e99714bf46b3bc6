// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Gun, parseGun, type RoleName } from '../../src/tuf/index.ts';

export const VECTORS = join(import.meta.dir, '..', 'vectors');
/** A moment at which all recorded metadata is valid. */
export const VECTOR_NOW = new Date('2026-11-23T00:00:00Z');

export interface VectorRepository {
  readonly name: string;
  readonly gun: Gun;
  readonly expected: ExpectedLookups;
  /** Bytes of a version of a role. */
  file(role: RoleName | string, version: number): Uint8Array;
  /** Every recorded file. */
  readonly files: readonly { readonly role: RoleName; readonly version: number; readonly bytes: Uint8Array }[];
}

export interface ExpectedLookups {
  readonly gun: string;
  readonly current: Readonly<Record<string, number>>;
  readonly notary_list: Readonly<Record<string, { sha256: string; length: number; role: string }>> | null;
  readonly signed_targets_by_role?: Readonly<
    Record<string, Readonly<Record<string, { sha256: string; length: number }>>>
  >;
  readonly docker_trust_inspect?: { readonly exit: number; readonly stdout: string };
}

export function readVector(path: string): Uint8Array {
  const bytes = readFileSync(join(VECTORS, path));
  return new Uint8Array(path.endsWith('.gz') ? gunzipSync(bytes) : bytes);
}

// biome-ignore lint/suspicious/noExplicitAny: recorded data, typed where it is used
export function readVectorJson(path: string): any {
  return JSON.parse(new TextDecoder().decode(readVector(path)));
}

/** Every recorded repository. */
export function vectorRepositories(): readonly VectorRepository[] {
  return readdirSync(join(VECTORS, 'repos')).sort().map(vectorRepository);
}

export function vectorRepository(name: string): VectorRepository {
  const folder = join('repos', name, 'metadata');
  const files = readdirSync(join(VECTORS, folder)).map((file) => {
    const [, role, version] = /^(.+)\.(\d+)\.json(?:\.gz)?$/.exec(file) as unknown as [string, string, string];
    return {
      role: role.replaceAll('__', '/') as RoleName,
      version: Number(version),
      bytes: readVector(join(folder, file)),
    };
  });
  const expected: ExpectedLookups = readVectorJson(join('repos', name, 'expected.json'));
  const file = (role: string, version: number): Uint8Array => {
    const found = files.find((candidate) => candidate.role === role && candidate.version === version);
    if (found === undefined) throw new Error(`no vector ${name} ${role} ${version}`);
    return found.bytes;
  };
  return { name, gun: parseGun(expected.gun), expected, files, file };
}
