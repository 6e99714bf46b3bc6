// SPDX-License-Identifier: Apache-2.0
/** `npm run docs`: writes the pages that are made from the program itself. A test holds each against what is committed. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { commandReference, programModel } from '../src/cli/reference/index.ts';
import { EXERCISES, labPage } from '../src/lab/index.ts';

const docs = resolve(import.meta.dir, '../docs');

const PAGES: Readonly<Record<string, () => string | Promise<string>>> = {
  'commands.md': async () => commandReference(await programModel()),
  'lab.md': () => labPage(EXERCISES),
};

for (const [name, text] of Object.entries(PAGES)) writeFileSync(join(docs, name), await text());
