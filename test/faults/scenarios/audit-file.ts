// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { AuditFile, type AuditLine, readAuditFile, verifyAuditFile } from '../../../src/service/audit/index.ts';
import { promised, type Scenario } from '../scenario.ts';

function lines(...ids: readonly number[]): readonly AuditLine[] {
  return ids.map((id) => ({
    ...{ id: String(id), at: new Date(1_800_000_000_000 + id), actor: { name: 'ann' } },
    ...{ action: 'publish', gun: 'a/b', detail: { n: id } },
  }));
}

async function append(directory: string, ...ids: readonly number[]): Promise<void> {
  const file = await AuditFile.open(join(directory, 'audit.jsonl'));
  try {
    await file.append(lines(...ids.filter((id) => id > file.position)));
  } finally {
    await file.close();
  }
}

/** As the service does after it was started again: it goes on from where the file says that it is. */
async function checkAppended(directory: string, before: readonly number[]): Promise<void> {
  await append(directory, 1, 2, 3, 4, 5);
  const path = join(directory, 'audit.jsonl');
  const found = (await Array.fromAsync(readAuditFile(path))).map(({ id }) => Number(id));
  promised(found.join() === '1,2,3,4,5', `every entry is there once, not ${found.join()}, after ${before.join()}`);
  const { entries, head } = await verifyAuditFile(path);
  promised(entries === 5 && head.position === 5, 'its chain holds');
}

async function idsNow(directory: string): Promise<readonly number[]> {
  const file = await AuditFile.open(join(directory, 'audit.jsonl'));
  const { position } = file;
  await file.close();
  return Array.from({ length: position }, (_, index) => index + 1);
}

const appended: Scenario = {
  name: 'entries are copied into the audit file',
  prepare: (directory) => append(directory, 1, 2),
  async act(directory) {
    const file = await AuditFile.open(join(directory, 'audit.jsonl'));
    try {
      await file.append(lines(3)).catch(async () => file.append(lines(3)));
      await file.append(lines(4));
    } finally {
      await file.close();
    }
  },
  async check(directory, ended) {
    const ids = await idsNow(directory);
    promised(ids.length >= (ended === 'done' ? 4 : 2), `what was told written is there, not up to ${ids.at(-1)}`);
    await checkAppended(directory, ids);
  },
};

const made: Scenario = {
  name: 'an audit file is made',
  async prepare() {},
  act: (directory) => append(directory, 1, 2),
  async check(directory, ended) {
    const ids = await idsNow(directory);
    promised(ended !== 'done' || ids.length === 2, 'what was told written is there');
    await checkAppended(directory, ids);
  },
};

export const auditFileScenarios: readonly Scenario[] = [made, appended];
