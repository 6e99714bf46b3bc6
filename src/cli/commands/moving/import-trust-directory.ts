// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  cachedGuns,
  DirectoryHighWaterMarks,
  DirectoryMetadataCache,
  DownloadError,
  importCachedRepository,
  loadPins,
  mergePins,
  NO_PINS,
  type Pins,
  storePins,
  TrustDirectoryError,
  trustPinning,
} from '../../../client/index.ts';
import { restoreKeys, type SavedKey, surveyKeys } from '../../../signing/backup/index.ts';
import { KeyStoreError } from '../../../signing/index.ts';
import { type Gun, notaryV1, VerificationError } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { ExitCode } from '../../exit-codes.ts';
import { jsonText } from '../../json-text.ts';
import { loadNotaryPinning } from '../../notary/settings.ts';
import { trustDirectory } from '../../settings.ts';
import { PartialFailure, UsageError } from '../../usage-error.ts';
import { describeKey } from '../key/chosen-keys.ts';

/** What became of one thing that the other directory has. */
interface Outcome {
  readonly kind: 'key' | 'pin' | 'metadata';
  readonly subject: string;
  /** `differs` and `refused` were left as they are here; of `incomplete` nobody has trusted the whole. */
  readonly result: 'imported' | 'present' | 'incomplete' | 'differs' | 'refused';
  readonly reason?: string;
}

/**
 * `hallmark import --from-trust-dir DIR`: private keys, pins and trusted metadata of another trust directory into one's own.
 * What is here already is never overwritten: what differs is told, and the exit code says that something was left out.
 */
export async function importTrustDirectory({ io, globals }: CommandContext, directory: string): Promise<void> {
  const [from, to] = [resolve(directory), resolve(trustDirectory(io, globals))];
  if (!existsSync(from)) throw new UsageError(`no trust directory: ${from}`);
  if (from === to) throw new UsageError(`${from} is your own trust directory: name another with --trust-dir`);
  // pins first: they say what of the metadata may be trusted here
  const outcomes = [
    ...(await importKeys(from, to)),
    ...importPins(from, to),
    ...(await importMetadata(from, to, io.now())),
  ];
  if (globals.json) io.stdout.write(jsonText(outcomes));
  else io.stdout.write(outcomes.length === 0 ? `${from}: nothing to import\n` : outcomes.map(line).join(''));
  const left = outcomes.filter(({ result }) => result === 'differs' || result === 'refused');
  if (left.length === 0) return;
  const worst = left.some(({ kind, result }) => kind === 'metadata' && result === 'refused');
  throw new PartialFailure(
    `${left.length} of ${outcomes.length} were left out; what you have is as it was`,
    worst ? ExitCode.notTrusted : ExitCode.failed,
  );
}

async function importKeys(from: string, to: string): Promise<readonly Outcome[]> {
  const { keys, problems } = await surveyKeys(from);
  const outcomes: Outcome[] = [];
  for (const key of keys) outcomes.push(await importKey(to, key));
  for (const { message, path } of problems)
    outcomes.push({ kind: 'key', subject: path ?? from, result: 'refused', reason: message });
  return outcomes;
}

async function importKey(to: string, key: SavedKey): Promise<Outcome> {
  const subject = describeKey(key);
  try {
    const { added } = await restoreKeys(to, [key]);
    return { kind: 'key', subject, result: added.length > 0 ? 'imported' : 'present' };
  } catch (error) {
    if (!(error instanceof KeyStoreError) || error.code !== 'exists') throw error;
    return {
      kind: 'key',
      subject,
      result: 'differs',
      reason: 'another file is here, perhaps under another passphrase',
    };
  }
}

/** The `trust_pinning` of notary's configuration beside it, and what `hallmark pin` keeps in it. */
function importPins(from: string, to: string): readonly Outcome[] {
  const outcomes: Outcome[] = [];
  let pins = loadPins(to);
  const theirs = pinsOf(from);
  const take = (subject: string, added: Partial<Pins>, isKnown: boolean | undefined) => {
    const merged = mergePins(pins, { ...NO_PINS, ...added });
    const result = outcomeOf(isKnown, merged.weaker);
    if (result.result === 'imported') pins = merged.pins;
    outcomes.push({ kind: 'pin', subject, ...result });
  };
  if (theirs.tofu === false) take('no trust on first use', { tofu: false }, pins.tofu === false || undefined);
  for (const field of ['certs', 'keys', 'ca'] as const) {
    for (const [name, value] of theirs[field]) {
      const subject = `${PINNED[field]} of ${name}`;
      const known = pins[field].get(name);
      if (value === '')
        outcomes.push({ kind: 'pin', subject, result: 'refused', reason: 'its CA file cannot be read' });
      else
        take(
          subject,
          { [field]: new Map([[name, value]]) },
          known === undefined ? undefined : String(known) === String(value),
        );
    }
  }
  if (outcomes.some(({ result }) => result === 'imported')) storePins(to, pins);
  return outcomes;
}

const PINNED = { certs: 'certificates', keys: 'keys', ca: 'CA' } as const;

/** @param isKnown whether the same is pinned here; undefined where nothing is. Nothing is imported by which more is trusted. */
function outcomeOf(isKnown: boolean | undefined, weaker: readonly string[]): Pick<Outcome, 'result' | 'reason'> {
  if (isKnown === true) return { result: 'present' };
  if (isKnown === false) return { result: 'differs', reason: 'you pin something else' };
  return weaker.length === 0 ? { result: 'imported' } : { result: 'refused', reason: weaker.join('; ') };
}

function pinsOf(from: string): Pins {
  const own = loadPins(from);
  const files = ['config.json', 'config.yaml', 'config.yml', 'config.toml'].map((name) => join(from, name));
  const file = files.find((path) => existsSync(path));
  if (file === undefined) return own;
  const { certs, ca, trustOnFirstUse } = loadNotaryPinning(file);
  return {
    ...(trustOnFirstUse && own.tofu !== false ? {} : { tofu: false }),
    certs: new Map([...own.certs, ...(certs ?? [])]),
    keys: own.keys,
    ca: new Map([...own.ca, ...(ca ?? [])]),
  };
}

async function importMetadata(from: string, to: string, now: Date): Promise<readonly Outcome[]> {
  const cache = new DirectoryMetadataCache(to);
  const marks = new DirectoryHighWaterMarks(to);
  const pinning = trustPinning(to, loadPins(to));
  const outcomes: Outcome[] = [];
  for (const gun of cachedGuns(from)) {
    const options = { gun, from, cache, marks, pinning, dialect: notaryV1, now };
    outcomes.push(await importRepository(gun, () => importCachedRepository(options)));
  }
  return outcomes;
}

async function importRepository(gun: Gun, work: () => ReturnType<typeof importCachedRepository>): Promise<Outcome> {
  try {
    const result = await work();
    const why = result === 'incomplete' ? { reason: 'it is fetched when it is first used' } : {};
    return { kind: 'metadata', subject: gun, result, ...why };
  } catch (error) {
    const isBad = error instanceof VerificationError || error instanceof DownloadError;
    if (!isBad && !(error instanceof TrustDirectoryError)) throw error;
    return { kind: 'metadata', subject: gun, result: 'refused', reason: error.message };
  }
}

const WORDS = {
  imported: 'imported',
  present: 'already there',
  incomplete: 'not whole there',
  differs: 'left as it is here',
  refused: 'not imported',
} as const;

function line({ kind, subject, result, reason }: Outcome): string {
  return `${WORDS[result]}: ${kind === 'key' ? '' : `${kind} `}${subject}${reason === undefined ? '' : ` (${reason})`}\n`;
}
