// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createStagedFile, readStagedFile, replaceStagedFile } from '../../../src/cli/commands/staging/staged-file.ts';
import { DirectoryChangelist, type StagedUpdate, targetRemoval } from '../../../src/publisher/index.ts';
import { DirectoryRegistryStorage, digestOf } from '../../../src/registry/index.ts';
import { readPrivateFile, writePrivateFile } from '../../../src/service/index.ts';
import { parseRoleName } from '../../../src/tuf/index.ts';
import { GUN, NOW } from '../../support/repository-simulator.ts';
import { promised, type Scenario } from '../scenario.ts';

const changelist: Scenario = {
  name: 'changes are staged and dropped',
  async prepare(directory) {
    const list = new DirectoryChangelist(directory, GUN);
    for (const name of ['one', 'two']) list.add(targetRemoval('targets', name), NOW);
  },
  async act(directory) {
    const list = new DirectoryChangelist(directory, GUN);
    list.add(targetRemoval('targets', 'three'), NOW);
    list.remove(list.files().slice(0, 1));
  },
  async check(directory, ended) {
    const done = ended === 'done';
    const list = new DirectoryChangelist(directory, GUN);
    const names = list.list().map(({ path }) => path);
    const states = [
      ['one', 'two'],
      ['one', 'two', 'three'],
      ['two', 'three'],
    ];
    const allowed = done ? states.slice(2) : states;
    promised(
      allowed.some((state) => state.join() === names.join()),
      `the list is whole, not ${names.join()}`,
    );
    list.add(targetRemoval('targets', 'four'), NOW);
    promised(list.list().at(-1)?.path === 'four', 'another change can be staged, behind all others');
  },
};

function staged(tags: number): StagedUpdate {
  const signedBytes = new Uint8Array(1000).fill(tags);
  return { gun: GUN, files: [{ role: parseRoleName('targets'), signedBytes, signatures: [] }] };
}

const stagedFile: Scenario = {
  name: 'a staged update gets another signature',
  prepare: (directory) => createStagedFile(join(directory, 'update'), staged(1)),
  act: (directory) => replaceStagedFile(join(directory, 'update'), staged(2)),
  async check(directory, ended) {
    const done = ended === 'done';
    const { files } = await readStagedFile(join(directory, 'update'));
    promised([...(done ? [] : [1]), 2].includes(files[0]?.signedBytes[999] ?? 0), 'it is that of before or after');
    await replaceStagedFile(join(directory, 'update'), staged(2));
  },
};

const newStagedFile: Scenario = {
  name: 'an update is staged',
  async prepare() {},
  act: (directory) => createStagedFile(join(directory, 'update'), staged(1)),
  async check(directory, ended) {
    const done = ended === 'done';
    if (done || existsSync(join(directory, 'update'))) await readStagedFile(join(directory, 'update'));
  },
};

const serviceFile: Scenario = {
  name: "a service's private file is replaced",
  prepare: (directory) => writePrivateFile(join(directory, 'file'), 'old'),
  act: (directory) => writePrivateFile(join(directory, 'file'), 'new'),
  async check(directory, ended) {
    const done = ended === 'done';
    const text = await readPrivateFile(join(directory, 'file'));
    promised(text === 'new' || (!done && text === 'old'), 'it is that of before or after');
    await writePrivateFile(join(directory, 'file'), 'new');
  },
};

const BLOB = Buffer.from('content of a layer');
const MANIFEST = { mediaType: 'application/vnd.oci.image.manifest.v1+json', bytes: new Uint8Array(Buffer.from('{}')) };
const OTHER = { ...MANIFEST, bytes: new Uint8Array(Buffer.from('{"a":1}')) };

async function pushBlob(storage: DirectoryRegistryStorage): Promise<void> {
  const id = await storage.beginUpload('app');
  await storage.appendUpload('app', id, chunks(BLOB));
  promised(await storage.finishUpload('app', id, digestOf(BLOB)), 'the upload has its digest');
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const registry: Scenario = {
  name: 'an image is pushed to the embedded registry',
  async prepare(directory) {
    writeFileSync(join(directory, 'mark'), 'x');
    await new DirectoryRegistryStorage(directory).putManifest('app', digestOf(MANIFEST.bytes), MANIFEST, 'latest');
  },
  async act(directory) {
    const storage = new DirectoryRegistryStorage(directory);
    await pushBlob(storage);
    await storage.putManifest('app', digestOf(OTHER.bytes), OTHER, 'latest');
  },
  async check(directory, ended) {
    const done = ended === 'done';
    const storage = new DirectoryRegistryStorage(directory);
    const tagged = await storage.tag('app', 'latest');
    const known = [MANIFEST, OTHER].find(({ bytes }) => digestOf(bytes) === tagged);
    promised(known !== undefined && (!done || known === OTHER), 'the tag is that of before or after');
    const stored = known && (await storage.manifest('app', digestOf(known.bytes)));
    promised(stored !== undefined && Buffer.from(stored.bytes).equals(known?.bytes ?? BLOB), 'its manifest is whole');
    await checkBlob(storage, done);
    await pushBlob(storage);
    promised(readFileSync(join(directory, 'mark'), 'utf8') === 'x', 'nothing else was touched');
  },
};

async function checkBlob(storage: DirectoryRegistryStorage, done: boolean): Promise<void> {
  const size = await storage.blobSize('app', digestOf(BLOB));
  if (size === undefined) {
    promised(!done, 'what was told done is done');
    return;
  }
  const read: Uint8Array[] = [];
  for await (const chunk of storage.readBlob('app', digestOf(BLOB))) read.push(chunk);
  promised(Buffer.concat(read).equals(BLOB), 'a blob is whole');
}

export const otherFileScenarios: readonly Scenario[] = [changelist, stagedFile, newStagedFile, serviceFile, registry];
