// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { canonicalText, DecodeError, decodeHex, decodeJson, type JsonValue } from '../../encoding/index.ts';
import { targetAddition, targetRemoval } from '../../publisher/index.ts';
import { hash, isDelegationName, TARGETS, type TargetFile } from '../../tuf/index.ts';
import { autoPublish } from './collection.ts';
import { type Call, required } from './command.ts';
import { fileProblem, NotaryError, NotaryUsageError } from './errors.ts';
import { NotaryRepository } from './repository.ts';

/** `notary add` */
export async function add(call: Call): Promise<void> {
  const [gun, target = '', file = ''] = required(call, 3, 'Must specify a GUN, target, and path to target data');
  const content = read(file);
  const hashes = new Map((['sha256', 'sha512'] as const).map((name) => [name, hash(name, content)]));
  const repository = stage(call, gun, target, { length: content.length, hashes });
  call.say(`Addition of target "${target}" to repository "${gun}" staged for next publish.\n`);
  await autoPublish(call, repository);
}

/** `notary addhash` */
export async function addHash(call: Call): Promise<void> {
  const lacking = 'Must specify a GUN, target, byte size of target data, and at least one hash';
  const [gun, target = '', size = ''] = required(call, 3, lacking);
  const names = (['sha512', 'sha256'] as const).filter((name) => call.flags.text(name) !== undefined);
  if (names.length === 0) throw new NotaryUsageError(lacking);
  const length = sizeOf(size);
  const hashes = new Map(names.map((name) => [name, hashOf(name, call.flags.text(name) ?? '')]));
  const repository = stage(call, gun, target, { length, hashes });
  call.say(
    `Addition of target "${target}" by ${names.join(', ')} hash to repository "${gun}" staged for next publish.\n`,
  );
  await autoPublish(call, repository);
}

/** `notary remove` */
export async function remove(call: Call): Promise<void> {
  const [gun, target] = call.args;
  if (gun === undefined || target === undefined) throw new NotaryError('Must specify a GUN and target');
  const repository = new NotaryRepository(call, gun);
  for (const role of rolesOf(call)) repository.changelist.add(targetRemoval(role, target), call.io.now());
  call.say(`Removal of ${target} from ${gun} staged for next publish.\n`);
  await autoPublish(call, repository);
}

function stage(call: Call, gun: string, name: string, target: TargetFile): NotaryRepository {
  const repository = new NotaryRepository(call, gun);
  const custom = call.flags.text('custom');
  const whole = custom === undefined ? target : { ...target, custom: customOf(custom) };
  for (const role of rolesOf(call)) repository.changelist.add(targetAddition(role, name, whole), call.io.now());
  return repository;
}

function rolesOf({ flags }: Call): readonly string[] {
  const roles = flags.texts('roles').map((role) => role.trim());
  const bad = roles.find((role) => role !== TARGETS && !isDelegationName(role));
  if (bad !== undefined) throw new NotaryError(`tuf: invalid role ${bad}. cannot add targets to this role`);
  return roles.length === 0 ? [TARGETS] : roles;
}

/** Any JSON that can be signed: a fraction cannot, and would make the whole file unreadable (reference 2.4). */
function customOf(file: string): JsonValue {
  const bytes = read(file);
  try {
    const custom = decodeJson(bytes);
    canonicalText(custom);
    return custom;
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
    throw new NotaryError(`custom data of ${file} cannot be signed: ${cause.message}`, { cause });
  }
}

function read(file: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (error) {
    throw fileProblem(error, file);
  }
}

/** Decimal, or `0x…`, `0o…`, `0b…` as Go reads it. */
function sizeOf(text: string): number {
  const size = /^(?:\d+|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(size)) return size;
  if (/^-\d+$/.test(text)) throw new NotaryError(`byte size of a target cannot be negative: ${text}`);
  throw new NotaryError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

const DIGITS = { sha256: 64, sha512: 128 } as const;

function hashOf(name: keyof typeof DIGITS, text: string): Uint8Array {
  const stranger = /[^0-9a-fA-F]/u.exec(text)?.[0];
  if (stranger !== undefined) {
    const point = stranger.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
    throw new NotaryError(`encoding/hex: invalid byte: U+${point} '${stranger}'`);
  }
  if (text.length !== DIGITS[name]) throw new NotaryError(`invalid ${name} hex contents provided`);
  return decodeHex(text.toLowerCase());
}
