// SPDX-License-Identifier: Apache-2.0

import { expect } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TrustServer } from './notary-server.ts';
import type { Outcome } from './processes.ts';
import type { TrustServerKind } from './programs.ts';
import { Stage } from './stage.ts';
import { startTrustServer } from './trust-server.ts';
import { User } from './users.ts';

/** A trust server and people with the notary CLI; no engine, no registry. */
export interface NotaryWorld {
  readonly stage: Stage;
  readonly server: TrustServer;
  user(name: string): User;
  close(): Promise<void>;
}

export async function openNotaryWorld(kind: TrustServerKind): Promise<NotaryWorld> {
  const stage = new Stage();
  try {
    const server = await startTrustServer(stage, kind);
    return { stage, server, user: (name) => new User(stage, name, server), close: () => stage.close() };
  } catch (error) {
    await stage.close();
    throw error;
  }
}

/** Writes a file for `user` to sign, beside the SHA-256 that `notary list` must show for it. */
export function writeContent(
  user: User,
  name: string,
  content: string,
): { path: string; sha256: string; size: number } {
  const path = join(user.home, name);
  writeFileSync(path, content);
  return { path, sha256: new Bun.CryptoHasher('sha256').update(content).digest('hex'), size: content.length };
}

/** The rows of a table that notary printed, each as its cells; without its head and without lines that go on a row. */
export function tableRows(table: string): string[][] {
  const lines = table.split('\n').filter((line) => /^\S/.test(line));
  return lines.slice(2).map((line) => line.trim().split(/ {2,}/));
}

/** Expects that a command succeeded, and hands on its standard output. */
export function expectSuccess(outcome: Outcome): string {
  expect(outcome).toMatchObject({ code: 0 });
  return outcome.stdout;
}
