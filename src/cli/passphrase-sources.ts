// SPDX-License-Identifier: Apache-2.0
import { closeSync, readFileSync } from 'node:fs';
import { environmentPassphrases, type Passphrases } from '../signing/index.ts';
import type { Io } from './io.ts';
import { terminalPassphrases } from './prompts.ts';
import { UsageError } from './usage-error.ts';

/** A passphrase given by file or descriptor: for one alias (`root`, `repository`, a signer's name), or for all. */
interface Given {
  readonly alias: string | undefined;
  readonly passphrase: string;
}

/** Where passphrases come from, in this order: file or descriptor, environment, terminal. None is ever an argument. */
export function passphrasesFrom(
  io: Io,
  options: { readonly passphraseFile?: readonly string[]; readonly passphraseFd?: readonly string[] },
): Passphrases {
  const find = givenPassphrases(options);
  const fallback = environmentPassphrases(io.env, terminalPassphrases(io));
  return {
    async existing(request) {
      const entry = find(request.alias);
      if (entry === undefined) return fallback.existing(request);
      return request.attempt === 0 ? entry : undefined;
    },
    async created(request) {
      return find(request.alias) ?? fallback.created(request);
    },
  };
}

interface GivenOptions {
  readonly passphraseFile?: readonly string[];
  readonly passphraseFd?: readonly string[];
}

/** What a command line's options gave: a descriptor or a pipe can be read once only. */
const alreadyRead = new WeakMap<GivenOptions, readonly Given[]>();

/** What files and descriptors give for an alias: its own passphrase, else the one for all. @throws UsageError */
export function givenPassphrases(options: GivenOptions): (alias: string) => string | undefined {
  const given = alreadyRead.get(options) ?? [
    ...(options.passphraseFile ?? []).map((text) =>
      read(text, '--passphrase-file', (file) => readFileSync(file, 'utf8')),
    ),
    ...(options.passphraseFd ?? []).map((text) => read(text, '--passphrase-fd', readDescriptor)),
  ];
  alreadyRead.set(options, given);
  return (alias) =>
    (given.find((entry) => entry.alias === alias) ?? given.find((entry) => entry.alias === undefined))?.passphrase;
}

function read(text: string, option: string, readSource: (source: string) => string): Given {
  const [, alias, source] = /^(?:([a-z0-9_-]+)=)?(.+)$/s.exec(text) ?? [];
  try {
    const passphrase = readSource(source ?? '').replace(/\r?\n[\s\S]*$/, '');
    if (passphrase === '') throw new UsageError(`${option}: ${source} is empty`);
    return { alias, passphrase };
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    throw new UsageError(`${option}: cannot read ${source}: ${code}`, { cause });
  }
}

function readDescriptor(text: string): string {
  if (!/^\d+$/.test(text)) throw new UsageError(`--passphrase-fd: ${text} is no file descriptor`);
  const descriptor = Number(text);
  const content = readFileSync(descriptor, 'utf8');
  if (descriptor > 2) closeSync(descriptor);
  return content;
}
