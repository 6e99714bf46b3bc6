// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { encodeHex, equalBytes } from '../../encoding/index.ts';
import { findTarget, hash, listTargets, type RoleName, TARGETS, type TargetFile } from '../../tuf/index.ts';
import { oneLine } from '../one-line.ts';
import { type Call, required } from './command.ts';
import { fileProblem, NotaryError } from './errors.ts';
import { fatalText } from './fatal.ts';
import { NotaryRepository } from './repository.ts';
import { notaryTable } from './tables.ts';
import { readAll } from './terminal.ts';

/** `notary list` */
export async function list(call: Call): Promise<void> {
  const [gun] = required(call, 1, 'Must specify a GUN');
  const { targets } = await new NotaryRepository(call, gun).read();
  const roles = call.flags.texts('roles') as readonly RoleName[];
  const found = [...listTargets(targets.roles, roles.length === 0 ? [TARGETS] : roles).values()];
  if (found.length === 0) {
    call.say('\nNo targets present in this repository.\n\n');
    return;
  }
  const rows = found
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, target, role }) => [path, sha256Of(target), String(target.length), role]);
  call.say(notaryTable(['NAME', 'DIGEST', 'SIZE (BYTES)', 'ROLE'], rows));
}

/** `notary lookup` */
export async function lookup(call: Call): Promise<void> {
  const [gun, name = ''] = required(call, 2, 'Must specify a GUN and target');
  const target = await signed(call, gun, name);
  call.say(oneLine(`${name} sha256:${sha256Of(target)} ${target.length}`).concat('\n'));
}

/** `notary verify`: the content comes out only once all of it is known to be what was signed. */
export async function verify(call: Call): Promise<void> {
  const [gun, name = ''] = required(call, 2, 'Must specify a GUN and target');
  const payload = await readPayload(call);
  check(name, await found(call, gun, name), payload);
  const output = call.flags.text('output');
  if (call.flags.isOn('quiet')) return;
  if (output !== undefined) write(output, payload);
  else call.io.stdout.write(payload);
}

async function found(call: Call, gun: string, name: string): Promise<TargetFile> {
  try {
    return await signed(call, gun, name);
  } catch (cause) {
    const { log, settings } = call;
    const reason = fatalText(cause, { server: settings.server, gun, log });
    throw new NotaryError(`error retrieving target by name:${name}, error:${reason}`, { cause });
  }
}

async function signed(call: Call, gun: string, name: string): Promise<TargetFile> {
  const { targets } = await new NotaryRepository(call, gun).read();
  const target = findTarget(targets.roles, name)?.target;
  if (target === undefined) throw new NotaryError(`No valid trust data for ${name}`);
  return target;
}

function check(name: string, target: TargetFile, payload: Uint8Array): void {
  const fail = (reason: string) => {
    throw new NotaryError(`data not present in the trusted collection, ${reason}`);
  };
  if (target.length !== payload.length) fail(`${name} has ${target.length} bytes, not ${payload.length}`);
  const known = (['sha256', 'sha512'] as const).filter((algorithm) => target.hashes.has(algorithm));
  if (known.length === 0) fail(`no hash of ${name} is signed`);
  for (const algorithm of known) {
    const expected = target.hashes.get(algorithm) ?? new Uint8Array();
    if (!equalBytes(hash(algorithm, payload), expected))
      fail(`${algorithm} checksum for ${name} did not match: expected ${encodeHex(expected)}`);
  }
}

function sha256Of({ hashes }: TargetFile): string {
  return encodeHex(hashes.get('sha256') ?? new Uint8Array());
}

async function readPayload({ io, flags }: Call): Promise<Uint8Array> {
  const input = flags.text('input');
  if (input === undefined) return readAll(io.stdin);
  try {
    return new Uint8Array(readFileSync(input));
  } catch (error) {
    throw fileProblem(error, input);
  }
}

function write(path: string, payload: Uint8Array): void {
  try {
    writeFileSync(path, payload);
  } catch (error) {
    throw fileProblem(error, path);
  }
}
