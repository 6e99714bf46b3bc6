// SPDX-License-Identifier: Apache-2.0
import { expect } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyId } from '../../src/tuf/index.ts';
import { type Ran, runCaptured } from './command-line.ts';
import { readVectorJson } from './vectors.ts';

export const ROOT_PASSPHRASE = 'root passphrase of a test';
export const REPOSITORY_PASSPHRASE = 'repository passphrase of a test';
export const BACKUP_PASSPHRASE = 'backup passphrase of a test';
export const NEW_PASSPHRASE = 'another passphrase of a test';
export const WRONG_PASSPHRASE = 'not the passphrase';
const SECRETS = [
  ROOT_PASSPHRASE,
  REPOSITORY_PASSPHRASE,
  BACKUP_PASSPHRASE,
  NEW_PASSPHRASE,
  WRONG_PASSPHRASE,
  'short77',
];

type Variables = Readonly<Record<string, string | undefined>>;

/** A private key file that Docker, Notary or OpenSSL wrote. */
export interface KeyVector {
  readonly file: string;
  readonly keyId: string;
  readonly passphrase: string | null;
  readonly text: string;
}

export const keyVectors = readVectorJson('keys/notary-and-docker.json') as readonly KeyVector[];

export function keyVector(name: string): KeyVector {
  const found = keyVectors.find(({ file }) => file.startsWith(name));
  if (found === undefined) throw new Error(`no key vector ${name}`);
  return found;
}

/** A person with a home, who runs `hallmark key` without a terminal; every passphrase is in the environment. */
export class KeyHome {
  readonly directory = mkdtempSync(join(tmpdir(), 'hm-key-'));
  readonly trust = join(this.directory, 'trust');
  /** All that any command wrote. */
  readonly shown: string[] = [];

  run(...argv: readonly string[]): Promise<Ran> {
    return this.runWith({}, ...argv);
  }

  async runWith(variables: Variables, ...argv: readonly string[]): Promise<Ran> {
    const env = {
      HOME: this.directory,
      DOCKER_CONFIG: this.directory,
      DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE: ROOT_PASSPHRASE,
      DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE: REPOSITORY_PASSPHRASE,
      HALLMARK_BACKUP_PASSPHRASE: BACKUP_PASSPHRASE,
      ...variables,
    };
    const ran = await runCaptured(['key', ...argv], env, () => new Date('2026-11-22T14:28:02Z'));
    this.shown.push(ran.stdout, ran.stderr);
    return ran;
  }

  /** The answer of a command that must succeed. */
  async json(...argv: readonly string[]) {
    const ran = await this.run(...argv, '--json');
    expect(ran).toMatchObject({ exitCode: 0 });
    return JSON.parse(ran.stdout);
  }

  async generate(...argv: readonly string[]): Promise<KeyId> {
    return (await this.json('generate', ...argv)).keyId;
  }

  file(name: string, content: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  path(...names: readonly string[]): string {
    return join(this.directory, ...names);
  }

  /** Property 3: neither a passphrase nor a private key that is not encrypted was shown by anything that was run. */
  expectNothingSecretShown(): void {
    const shown = this.shown.join('\n');
    for (const secret of SECRETS) expect(shown).not.toContain(secret);
    expect(shown).not.toMatch(/-----BEGIN (?:EC |RSA |ED25519 )?PRIVATE KEY/);
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
