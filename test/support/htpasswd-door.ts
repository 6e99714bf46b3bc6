// SPDX-License-Identifier: Apache-2.0

import { expect } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Access, type Action, scopeOf } from '../../src/server/auth/access.ts';
import { AuthenticationError } from '../../src/server/auth/authenticator.ts';
import {
  type HtpasswdAuthenticatorOptions,
  htpasswdAuthenticator,
} from '../../src/server/auth/htpasswd-authenticator.ts';
import { noteOrigin, SILENT_LOG } from '../../src/service/index.ts';
import { parseGun } from '../../src/tuf/index.ts';

let directory: string | undefined;
let doors = 0;

function htpasswdPath(): string {
  directory ??= mkdtempSync(join(tmpdir(), 'hallmark-doors-'));
  return join(directory, `htpasswd-${doors++}`);
}

/** Removes what the doors of a file of tests wrote; for its `afterAll`. */
export function closeDoors(): void {
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  directory = undefined;
}

/** The cheapest that there is: these tests are about who gets in, not about time. */
export const hashOf = (password: string) => Bun.password.hashSync(password, { algorithm: 'bcrypt', cost: 4 });
export const ANN = `ann:${hashOf('secret-of-ann')}`;
export const BOB = `bob:${hashOf('secret-of-bob')}`;
export const NOW = new Date('2026-11-23T12:00:00Z');

export function about(gun: string, ...actions: readonly Action[]): Access {
  return { kind: 'repository', gun: parseGun(gun), actions };
}
export const READ = about('example.com/app', 'pull');
export const WRITE = about('example.com/app', 'push', 'pull');
export const ADMIN = about('example.com/app', '*');

export function request(authorization?: string, url = 'https://trust.example.com/v2/', address?: string): Request {
  const made = new Request(url, { headers: authorization === undefined ? {} : { authorization } });
  if (address !== undefined) noteOrigin(made, () => ({ address }));
  return made;
}

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** A door with users of a file behind it, and clocks that a test turns. */
export class Door {
  now = NOW.getTime();
  elapsed = 0;
  readonly file = htpasswdPath();
  auth: Awaited<ReturnType<typeof htpasswdAuthenticator>> | undefined;

  async open(options: Partial<HtpasswdAuthenticatorOptions> = {}, lines = [ANN, BOB]): Promise<this> {
    this.write(...lines);
    const clocks = { clock: () => new Date(this.now), elapsed: () => this.elapsed };
    this.auth = await htpasswdAuthenticator({ file: this.file, log: SILENT_LOG, ...clocks, ...options });
    return this;
  }

  write(...lines: readonly string[]): void {
    writeFileSync(this.file, `${lines.join('\n')}\n`);
  }

  /** The name under which one gets in; `undefined` where one does not. */
  async enter(authorization: string | undefined, wanted: Access, address?: string): Promise<string | undefined> {
    try {
      return (await this.auth?.authenticate(request(authorization, undefined, address), wanted))?.name;
    } catch (error) {
      if (error instanceof AuthenticationError) return undefined;
      throw error;
    }
  }

  async token(authorization: string | undefined, ...wanted: readonly Access[]): Promise<string> {
    const query = wanted.map((access) => `&scope=${encodeURIComponent(scopeOf(access))}`).join('');
    const url = `https://trust.example.com/auth/token?service=hallmark${query}`;
    const response = (await this.auth?.tokenResponse?.(request(authorization, url))) as Response;
    const answer = (await response.json()) as Record<string, unknown>;
    expect(answer.access_token).toBe(answer.token);
    expect(answer.expires_in).toBe(300);
    return `Bearer ${answer.token}`;
  }
}
