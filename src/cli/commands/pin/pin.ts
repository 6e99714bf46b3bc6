// SPDX-License-Identifier: Apache-2.0
import { readFile, writeFile } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import {
  checkPinName,
  decodePins,
  encodePins,
  keyPins,
  loadPins,
  mergePins,
  NO_PINS,
  type Pins,
  pinFilePath,
  storePins,
} from '../../../client/index.ts';
import { roleKeyIds } from '../../../publisher/index.ts';
import { gun as gunOf } from '../../../registry/index.ts';
import { canonicalKeyId, type KeyId, parseGun, parseKeyId } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { readPublicKeys } from '../../public-key-files.ts';
import { parseRepository } from '../../repository-name.ts';
import { trustDirectory } from '../../settings.ts';
import { UsageError } from '../../usage-error.ts';
import { admitsTrusted, forgetTrust } from './trusted-root.ts';

export interface PinOptions {
  readonly key?: readonly string[];
  readonly cert?: readonly string[];
  readonly caFile?: string;
  readonly forget?: boolean;
}

/** `hallmark pin list` */
export async function list({ io, globals }: CommandContext): Promise<void> {
  const directory = trustDirectory(io, globals);
  const pins = loadPins(directory);
  if (globals.json) {
    io.stdout.write(Buffer.from(encodePins({ tofu: true, ...pins })).toString());
    return;
  }
  const first = pins.tofu === false ? 'refused' : 'trusted on first use, and told';
  io.stdout.write(`Repositories without a pin are ${first}\n`);
  for (const [name, ids] of pins.keys)
    io.stdout.write(`${name}: key ${ids.join(', ') || '(none: nothing is trusted)'}\n`);
  for (const [name, ids] of pins.certs)
    io.stdout.write(`${name}: certificate ${ids.join(', ') || '(none: nothing is trusted)'}\n`);
  for (const [name, ca] of pins.ca) io.stdout.write(`${name}: authority ${ca.startsWith('-----') ? '(inline)' : ca}\n`);
}

/** `hallmark pin add NAME`: adds to what is pinned under that name. */
export async function add(context: CommandContext, text: string, options: PinOptions): Promise<void> {
  const { io, globals } = context;
  const directory = trustDirectory(io, globals);
  const current = loadPins(directory);
  const name = pinName(text);
  const given = await givenIds(context, options);
  const ca = options.caFile === undefined ? [] : [[name, await authorityText(options.caFile)] as const];
  if (given.keys.length + given.certs.length + ca.length === 0) given.keys.push(...(await trustedKeys(context, text)));
  const added: Pins = {
    keys: union(current.keys, name, given.keys),
    certs: union(current.certs, name, given.certs),
    ca: new Map(ca),
  };
  const { pins } = mergePins(current, added);
  settle(context, directory, pins, [name], options);
  tell(context, pins, `Pinned ${name}: ${[...given.keys, ...given.certs, ...ca.map(() => 'authority')].join(', ')}\n`);
}

/** `hallmark pin remove NAME`: all of it, or the given keys. */
export async function remove(context: CommandContext, text: string, options: PinOptions): Promise<void> {
  const { io, globals } = context;
  const directory = trustDirectory(io, globals);
  const current = loadPins(directory);
  const name = pinName(text);
  if (![current.keys, current.certs, current.ca].some((map) => map.has(name)))
    throw new UsageError(`nothing is pinned under ${name}`);
  const { keys, certs } = await givenIds(context, options);
  const some = keys.length + certs.length > 0;
  const without = (map: Pins['keys'], ids: readonly KeyId[]) =>
    new Map(
      [...map].flatMap(([other, listed]): [string, readonly KeyId[]][] => {
        if (other !== name) return [[other, listed]];
        // a list that was emptied by name would trust nothing; the pin itself goes with its last key
        const left = some ? listed.filter((id) => !ids.includes(id)) : [];
        return left.length === 0 ? [] : [[other, left]];
      }),
    );
  const ca = new Map([...current.ca].filter(([other]) => some || other !== name));
  const pins = { ...current, keys: without(current.keys, keys), certs: without(current.certs, certs), ca };
  storePins(directory, pins);
  tell(context, pins, `Removed ${some ? [...keys, ...certs].join(', ') : 'every pin'} of ${name}\n`);
}

/** `hallmark pin tofu on|off` */
export async function tofu(context: CommandContext, value: string): Promise<void> {
  if (value !== 'on' && value !== 'off') throw new UsageError(`pin tofu: ${value} is neither on nor off`);
  const directory = trustDirectory(context.io, context.globals);
  const pins = { ...loadPins(directory), tofu: value === 'on' };
  storePins(directory, pins);
  tell(
    context,
    pins,
    `Repositories without a pin are ${value === 'on' ? 'trusted on first use' : 'refused'} from now on\n`,
  );
}

/** `hallmark pin export`: keys alone, so that a renewed certificate still fits; whether to trust on first use stays here. */
export async function exportPins(
  context: CommandContext,
  names: readonly string[],
  { output }: { readonly output?: string },
): Promise<void> {
  const { io, globals } = context;
  const exported =
    names.length === 0 ? withoutTofu(loadPins(trustDirectory(io, globals))) : await trusted(context, names);
  const bytes = encodePins(exported);
  if (output === undefined) {
    io.stdout.write(Buffer.from(bytes).toString());
    return;
  }
  await writeFile(output, bytes, { flag: 'wx' }).catch((cause) => {
    throw new UsageError(`cannot write ${output}: ${'code' in cause ? cause.code : cause}`, { cause });
  });
  io.stdout.write(`Wrote ${output}\n`);
}

/** `hallmark pin import FILE` */
export async function importPins(
  context: CommandContext,
  file: string,
  options: { readonly replace?: boolean; readonly forget?: boolean },
): Promise<void> {
  const { io, globals } = context;
  const directory = trustDirectory(io, globals);
  const bytes = await readFile(file).catch((cause) => {
    throw new UsageError(`cannot read ${file}: ${'code' in cause ? cause.code : cause}`, { cause });
  });
  const imported = decodePins(new Uint8Array(bytes));
  const foreign = [...imported.ca.values()].find((ca) => !ca.startsWith('-----BEGIN ') && !isAbsolute(ca));
  if (foreign !== undefined) throw new UsageError(`${file} names the CA file ${foreign} of another machine`);
  const { pins, weaker, names } = mergePins(loadPins(directory), imported);
  if (weaker.length > 0 && options.replace !== true)
    throw new UsageError(`${weaker.join('; ')}: give --replace if that is meant`);
  settle(context, directory, pins, names, options);
  tell(context, pins, `Imported pins of ${names.join(', ') || 'nothing'}\n`);
}

/** Stores pins, unless what is trusted already contradicts them: that would stay trusted, whatever is pinned. */
function settle(
  { io, globals }: CommandContext,
  directory: string,
  pins: Pins,
  names: readonly string[],
  { forget }: { readonly forget?: boolean },
): void {
  const guns = names.filter((name) => !name.endsWith('*')).map((name) => parseGun(name));
  const contradicted = guns.filter((gun) => !admitsTrusted(directory, pins, gun, io.now()));
  if (contradicted.length > 0 && forget !== true) {
    throw new UsageError(
      `${contradicted.join(', ')}: another root key is trusted already: give --forget to have the pin decide`,
    );
  }
  storePins(directory, pins);
  for (const gun of contradicted) {
    forgetTrust(directory, gun);
    if (!globals.json) io.stderr.write(`Forgot what was trusted for ${gun}\n`);
  }
}

async function givenIds({ io }: CommandContext, { key = [], cert = [] }: PinOptions) {
  const isId = (text: string) => /^[0-9a-f]{64}$/.test(text);
  const files = await readPublicKeys(
    key.filter((text) => !isId(text)),
    io.now(),
  );
  const wrong = cert.find((text) => !isId(text));
  if (wrong !== undefined) throw new UsageError(`--cert: ${wrong} is no key ID of 64 hex digits`);
  return { keys: [...key.filter(isId).map(parseKeyId), ...files.map(canonicalKeyId)], certs: cert.map(parseKeyId) };
}

async function authorityText(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new UsageError(`cannot read ${file}: ${'code' in cause ? cause.code : cause}`, { cause });
  });
  if (!text.startsWith('-----BEGIN CERTIFICATE')) throw new UsageError(`${file} does not begin with a PEM certificate`);
  return text;
}

/** An image name as its GUN; a prefix that ends in `*` as it stands. */
function pinName(text: string): string {
  return text.endsWith('*') ? checkPinName(text) : gunOf(parseRepository(text));
}

async function trustedKeys({ view }: CommandContext, text: string): Promise<readonly KeyId[]> {
  if (text.endsWith('*')) throw new UsageError(`${text}: give the keys to pin`);
  const { targets } = await view(parseRepository(text)).refresh();
  return [...new Set(roleKeyIds(targets.snapshot.timestamp.root.signed, 'root'))];
}

async function trusted(context: CommandContext, names: readonly string[]): Promise<Pins> {
  const keys = new Map<string, readonly KeyId[]>();
  for (const name of names) keys.set(pinName(name), await trustedKeys(context, name));
  return keyPins(keys);
}

function withoutTofu({ certs, keys, ca }: Pins): Pins {
  return { ...NO_PINS, certs, keys, ca };
}

function union(map: Pins['keys'], name: string, ids: readonly KeyId[]): Pins['keys'] {
  return ids.length === 0 ? new Map() : new Map([[name, [...new Set([...(map.get(name) ?? []), ...ids])]]]);
}

function tell({ io, globals }: CommandContext, pins: Pins, text: string): void {
  const directory = trustDirectory(io, globals);
  if (globals.json)
    io.stdout.write(
      jsonText({ file: pinFilePath(directory), ...JSON.parse(Buffer.from(encodePins(pins)).toString()) }),
    );
  else io.stdout.write(text);
}
