// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  archivedGuns,
  type Collection,
  DirectoryHighWaterMarks,
  DirectoryMetadataCache,
  fetchCollection,
  loadPins,
  MemoryHighWaterMarks,
  MemoryMetadataCache,
  NO_PINS,
  type Pins,
  readCollection,
  storePins,
  type TrustedRepository,
  Updater,
  writeCollection,
} from '../../../src/client/index.ts';
import { type Marks, notaryV1, type RoleName, VerificationError } from '../../../src/tuf/index.ts';
import { GUN, NOW, type Published, RepositorySimulator } from '../../support/repository-simulator.ts';
import { promised, type Scenario } from '../scenario.ts';

const DELEGATION = 'targets/releases';
const ROLES = ['root', 'timestamp', 'snapshot', 'targets', DELEGATION] as const;

/** Two states of a repository: the later has new keys, tags and versions everywhere. Made once in a process. */
async function makeStates(): Promise<readonly Published[]> {
  const repository = (await RepositorySimulator.create()).delegate(DELEGATION).tag('a', 'one', DELEGATION).publish();
  const first = repository.served;
  await repository.rotate('root');
  repository.tag('a', 'two', DELEGATION).tag('b', 'b').publish();
  return [first, repository.served];
}

let states: Promise<readonly Published[]> | undefined;

/** Written down, since the process that is killed is not the one that looks at what it left. */
async function keepStates(directory: string): Promise<void> {
  states ??= makeStates();
  const texts = (await states).map((state) =>
    [...state].map(([name, file]) => [name, Buffer.from(file).toString('base64')]),
  );
  writeFileSync(join(directory, 'states.json'), JSON.stringify(texts));
}

function state(directory: string, index: number): Published {
  const texts = JSON.parse(readFileSync(join(directory, 'states.json'), 'utf8'))[index] as [string, string][];
  return new Map(texts.map(([name, text]) => [name, new Uint8Array(Buffer.from(text, 'base64'))]));
}

function trust(directory: string): string {
  return join(directory, 'trust');
}

function refresh(directory: string, served: Published): Promise<TrustedRepository> {
  const fetcher = { fetch: async (_: string, name: string) => served.get(name) };
  const cache = new DirectoryMetadataCache(trust(directory));
  const marks = new DirectoryHighWaterMarks(trust(directory));
  const pinning = { trustOnFirstUse: true };
  return new Updater({ gun: GUN, dialect: notaryV1, fetcher, cache, marks, pinning, now: NOW }).refresh();
}

function marksOf(directory: string): Marks {
  return new DirectoryHighWaterMarks(trust(directory)).load(GUN);
}

function versionIn(file: Uint8Array | undefined): number {
  return file === undefined ? 0 : JSON.parse(Buffer.from(file).toString('utf8')).signed.version;
}

/** Each cached file is that of one state or the other, whole; no mark is below `least`. */
function checkDirectory(directory: string, states: readonly (Published | undefined)[]): void {
  const cache = new DirectoryMetadataCache(trust(directory));
  const marks = marksOf(directory);
  for (const role of ROLES) {
    const file = cache.load(GUN, role as RoleName);
    const known = states.map((served) => served?.get(`${role}.json`));
    const whole = known.some((other) =>
      other === undefined ? file === undefined : file && Buffer.from(other).equals(file),
    );
    promised(whole, `the cached ${role} is that of before or after`);
    const mark = marks.get(role as RoleName)?.version ?? 0;
    promised(mark >= versionIn(known[0]), `the mark of ${role} is not lower than before`);
    promised(mark >= versionIn(file) || states[0] === undefined, `no cached ${role} is newer than its mark`);
  }
}

/** It can be gone on with; and what was seen is remembered. */
async function checkGoesOn(directory: string): Promise<void> {
  const { targets } = await refresh(directory, state(directory, 1));
  promised(targets.snapshot.timestamp.root.signed.version === 2, 'the next update comes through');
  promised(await isRefused(directory, state(directory, 0)), 'the older state is refused afterwards');
}

async function isRefused(directory: string, served: Published): Promise<boolean> {
  return refresh(directory, served).then(
    () => false,
    (error) => error instanceof VerificationError,
  );
}

const update: Scenario = {
  name: 'update of a trust directory',
  async prepare(directory) {
    await keepStates(directory);
    await refresh(directory, state(directory, 0));
  },
  act: (directory) => refresh(directory, state(directory, 1)),
  async check(directory, ended) {
    const done = ended === 'done';
    const [before, after] = [state(directory, 0), state(directory, 1)];
    checkDirectory(directory, done ? [after] : [before, after]);
    if ((marksOf(directory).get('timestamp' as RoleName)?.version ?? 0) === versionIn(after.get('timestamp.json')))
      promised(await isRefused(directory, before), 'a state below the marks is refused at once');
    await checkGoesOn(directory);
  },
};

const firstUse: Scenario = {
  name: 'first use',
  prepare: keepStates,
  act: (directory) => refresh(directory, state(directory, 0)),
  async check(directory, ended) {
    const done = ended === 'done';
    checkDirectory(directory, done ? [state(directory, 0)] : [undefined, state(directory, 0)]);
    await refresh(directory, state(directory, 0));
    await checkGoesOn(directory);
  },
};

const lostCache: Scenario = {
  name: 'update after the cache was lost',
  async prepare(directory) {
    await update.prepare(directory);
    new DirectoryMetadataCache(trust(directory)).remove(GUN);
  },
  act: (directory) => refresh(directory, state(directory, 1)),
  async check(directory) {
    promised((marksOf(directory).get('root' as RoleName)?.version ?? 0) >= 1, 'no mark is lost');
    await checkGoesOn(directory);
  },
};

const forget: Scenario = {
  name: 'a repository is forgotten',
  prepare: update.prepare,
  async act(directory) {
    new DirectoryHighWaterMarks(trust(directory)).forget(GUN);
    new DirectoryMetadataCache(trust(directory)).remove(GUN);
  },
  async check(directory, ended) {
    const done = ended === 'done';
    if (done) promised(marksOf(directory).size === 0, 'nothing is remembered');
    await refresh(directory, state(directory, 0));
    await checkGoesOn(directory);
  },
};

const ID = 'ab'.repeat(32) as Pins['certs'] extends ReadonlyMap<string, readonly (infer K)[]> ? K : never;
const LOOSE: Pins = { ...NO_PINS, tofu: true };
const STRICT: Pins = { ...NO_PINS, tofu: false, keys: new Map([['example.com/*', [ID]]]) };

const pins: Scenario = {
  name: 'pins are replaced',
  async prepare(directory) {
    storePins(directory, LOOSE);
  },
  async act(directory) {
    storePins(directory, STRICT);
  },
  async check(directory, ended) {
    const done = ended === 'done';
    const { tofu, keys } = loadPins(directory);
    promised(done ? tofu === false : tofu !== undefined, 'the pins are those of before or after');
    promised((keys.size === 1) === (tofu === false), 'and nothing between');
    storePins(directory, STRICT);
  },
};

/** The collection that a client copies which trusts one of the two states. */
async function collectionOf(directory: string, index: number): Promise<Collection> {
  const served = state(directory, index);
  const fetcher = { fetch: async (_: string, name: string) => served.get(name) };
  const cache = new MemoryMetadataCache();
  const about = { gun: GUN, dialect: notaryV1, fetcher, cache, marks: new MemoryHighWaterMarks(), now: NOW };
  const repository = await new Updater({ ...about, pinning: { trustOnFirstUse: true } }).refresh();
  return fetchCollection({ repository, fetcher, dialect: notaryV1, now: NOW });
}

async function archiveState(directory: string, index: number): Promise<void> {
  const about = { from: `state ${index}`, archivedAt: NOW };
  writeCollection(join(directory, 'archive'), await collectionOf(directory, index), about, notaryV1);
}

const archive: Scenario = {
  name: 'an archive is replaced',
  async prepare(directory) {
    await keepStates(directory);
    await archiveState(directory, 0);
  },
  act: (directory) => archiveState(directory, 1),
  async check(directory, ended) {
    // a directory cannot be exchanged for another in one act: who is killed between the two leaves none
    const archived = archivedGuns(join(directory, 'archive')).length === 1;
    promised(archived || ended === 'killed', 'there is an archive');
    if (archived) {
      const { note, files } = readCollection(join(directory, 'archive'), GUN, notaryV1);
      promised(
        note.from === 'state 1' || (ended !== 'done' && note.from === 'state 0'),
        'it is that of before or after',
      );
      promised(files.size === 4, 'and whole');
    }
    await archiveState(directory, 1);
    promised(readCollection(join(directory, 'archive'), GUN, notaryV1).roots.length === 2, 'it can be written again');
  },
};

export const clientScenarios: readonly Scenario[] = [update, firstUse, lostCache, forget, pins, archive];
