// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { collectKeys, restoreKeys, type SavedKey } from '../../../src/signing/backup/index.ts';
import { openKeyStore, PrivateKey } from '../../../src/signing/index.ts';
import type { KeyId } from '../../../src/tuf/index.ts';
import { promised, type Scenario } from '../scenario.ts';

const OLD = 'the old passphrase';
const NEW = 'the new passphrase';

/** Keys that stay, change and go, under a seed of their own file so that another process finds the same ones. */
interface Keys {
  readonly stays: PrivateKey;
  readonly changes: PrivateKey;
  readonly goes: PrivateKey;
  readonly comes: PrivateKey;
}

const NAMES = ['stays', 'changes', 'goes', 'comes'] as const;
let made: readonly PrivateKey[] | undefined;

function keepKeys(directory: string): Keys {
  made ??= NAMES.map(() => PrivateKey.generate());
  const texts = made.map((key) => Buffer.from(key.encode()).toString('base64'));
  writeFileSync(join(directory, 'keys.json'), JSON.stringify(texts));
  return keysOf(directory);
}

function keysOf(directory: string): Keys {
  const texts = JSON.parse(readFileSync(join(directory, 'keys.json'), 'utf8')) as string[];
  const [stays, changes, goes, comes] = texts.map((text) =>
    PrivateKey.decode('pkcs8', new Uint8Array(Buffer.from(text, 'base64'))),
  ) as [PrivateKey, PrivateKey, PrivateKey, PrivateKey];
  return { stays, changes, goes, comes };
}

function store(directory: string) {
  return openKeyStore(join(directory, 'trust'));
}

/** Whether a key opens, by whichever of the passphrases; a key that is there and does not open is an error. */
async function opens(directory: string, keyId: KeyId, ...passphrases: readonly string[]): Promise<boolean> {
  const { keys, problems } = await store(directory).list();
  promised(problems.length === 0, `every key file can be read: ${problems[0]?.message}`);
  if (!keys.some((key) => key.keyId === keyId)) return false;
  const turn = [...passphrases];
  const key = await store(directory).get(keyId, { existing: async () => turn.shift(), created: async () => NEW });
  promised(key.keyId === keyId, 'it is that key');
  return true;
}

const changes: Scenario = {
  name: 'keys come, change and go',
  async prepare(directory) {
    const keys = keepKeys(directory);
    for (const key of [keys.stays, keys.changes, keys.goes]) await store(directory).add(key, { role: 'root' }, OLD);
  },
  async act(directory) {
    const keys = keysOf(directory);
    await store(directory).add(keys.comes, { role: 'root' }, NEW);
    await store(directory).add(keys.changes, { role: 'root' }, NEW);
    await store(directory).remove(keys.goes.keyId);
  },
  async check(directory, ended) {
    const done = ended === 'done';
    const keys = keysOf(directory);
    promised(await opens(directory, keys.stays.keyId, OLD), 'a key that nobody touched opens');
    promised(await opens(directory, keys.changes.keyId, ...(done ? [NEW] : [OLD, NEW])), 'a changed key opens');
    const [came, went] = [
      await opens(directory, keys.comes.keyId, NEW),
      !(await opens(directory, keys.goes.keyId, OLD)),
    ];
    if (done) promised(came && went, 'what was told done is done');
    await store(directory).add(keys.comes, { role: 'root' }, NEW);
    promised(await opens(directory, keys.comes.keyId, NEW), 'a key can be added afterwards');
  },
};

function saved(directory: string): Promise<readonly SavedKey[]> {
  return collectKeys(join(directory, 'trust'));
}

/** All keys or none; which of the two, and whether the answer says so. */
function restoring(name: string, occupied: boolean): Scenario {
  const target = (directory: string) => join(directory, 'restored');
  return {
    name,
    async prepare(directory) {
      const keys = keepKeys(directory);
      for (const key of [keys.stays, keys.changes, keys.goes]) await store(directory).add(key, { role: 'root' }, OLD);
      if (occupied) await openKeyStore(target(directory)).add(keys.comes, { role: 'root' }, NEW);
    },
    async act(directory) {
      await restoreKeys(target(directory), await saved(directory));
    },
    async check(directory, ended) {
      const done = ended === 'done';
      const { keys, problems } = await openKeyStore(target(directory)).list();
      promised(problems.length === 0, 'every key file can be read');
      const restored = keys.length - (occupied ? 1 : 0);
      if (done) promised(restored === 3, 'what was told done is done');
      if (ended === 'failed') promised(restored === 0, `what was told not restored is not: ${restored} keys are`);
      if (!occupied) promised(restored === 0 || restored === 3, 'all keys or none');
      await restoreKeys(target(directory), await saved(directory));
      promised(
        (await openKeyStore(target(directory)).list()).keys.length === (occupied ? 4 : 3),
        'it can be done again',
      );
    },
  };
}

export const keyScenarios: readonly Scenario[] = [
  changes,
  restoring('keys are restored into an empty directory', false),
  restoring('keys are restored beside others', true),
];
