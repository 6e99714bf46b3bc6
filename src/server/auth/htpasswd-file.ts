// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from 'node:fs/promises';
import type { Log } from '../../service/index.ts';
import { AuthenticationSetupError } from './authenticator.ts';

/** Password hashes by user name. */
export type Users = ReadonlyMap<string, string>;

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const ARGON2 = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=\d{1,2}\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{16,}$/;
/** What one check may cost: above it, a login would hold the server up for seconds. */
const MAX_BCRYPT_COST = 16;
const MAX_ARGON2_KIB = 256 * 1024;
const MAX_ARGON2_PASSES = 16;

/**
 * The lines `user:hash` of an htpasswd file. bcrypt is what `htpasswd -B` and Docker's registry use; the other forms of
 * `htpasswd` are too weak to be kept, and are refused by line, never by content.
 * @throws AuthenticationSetupError
 */
function parseHtpasswd(text: string, path: string): Users {
  const users = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const at = `${path}, line ${index + 1}`;
    const colon = line.indexOf(':');
    const [user, hash] = [line.slice(0, colon), line.slice(colon + 1).trim()];
    if (colon < 1) throw new AuthenticationSetupError(`${at}: not of the form user:hash`);
    if (users.has(user)) throw new AuthenticationSetupError(`${at}: the user is there twice`);
    requireStrong(hash, at);
    users.set(user, hash);
  }
  return users;
}

function requireStrong(hash: string, at: string): void {
  const cost = BCRYPT.exec(hash)?.[1];
  const [, memory, passes] = ARGON2.exec(hash) ?? [];
  if (cost === undefined && memory === undefined) {
    throw new AuthenticationSetupError(`${at}: neither bcrypt nor argon2id; write it with htpasswd -B`);
  }
  const dear =
    Number(cost ?? 0) > MAX_BCRYPT_COST ||
    Number(memory ?? 0) > MAX_ARGON2_KIB ||
    Number(passes ?? 0) > MAX_ARGON2_PASSES;
  if (dear) throw new AuthenticationSetupError(`${at}: checking the password would take too long`);
}

/** How often a change of the file is looked for. */
const LOOK_MS = 1000;

/** The users of a file, read anew when it changes. */
export class HtpasswdFile {
  readonly #path: string;
  readonly #log: Log;
  readonly #elapsed: () => number;
  #users: Users = new Map();
  #stamp = '';
  #lookedAt = 0;
  #looking: Promise<void> | undefined;

  private constructor(path: string, log: Log, elapsed: () => number) {
    this.#path = path;
    this.#log = log;
    this.#elapsed = elapsed;
  }

  /** @throws AuthenticationSetupError */
  static async open(path: string, log: Log, elapsed: () => number): Promise<HtpasswdFile> {
    const file = new HtpasswdFile(path, log, elapsed);
    await file.#look();
    return file;
  }

  /** A file with a mistake leaves the users as they were; one that is gone leaves nobody. */
  async users(): Promise<Users> {
    if (this.#elapsed() - this.#lookedAt >= LOOK_MS) {
      this.#looking ??= this.#look()
        .catch((error) => this.#log.error({ error }, 'htpasswd file cannot be taken over'))
        .finally(() => {
          this.#looking = undefined;
        });
      await this.#looking;
    }
    return this.#users;
  }

  async #look(): Promise<void> {
    this.#lookedAt = this.#elapsed();
    try {
      const { mtimeMs, size, ino } = await stat(this.#path);
      const stamp = `${mtimeMs} ${size} ${ino}`;
      if (stamp === this.#stamp) return;
      const text = await readFile(this.#path, 'utf8');
      this.#stamp = stamp;
      this.#users = parseHtpasswd(text, this.#path);
    } catch (cause) {
      if (cause instanceof AuthenticationSetupError) throw cause;
      this.#users = new Map();
      this.#stamp = '';
      throw new AuthenticationSetupError(`${this.#path} cannot be read`, { cause });
    }
  }
}
