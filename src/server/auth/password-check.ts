// SPDX-License-Identifier: Apache-2.0
import { createHmac, randomBytes } from 'node:crypto';
import { TooManyAttemptsError } from './authenticator.ts';
import type { Users } from './htpasswd-file.ts';

/** A check takes tens of milliseconds of a processor by design: only so many at once, and so many waiting (S32). */
const AT_ONCE = 2;
const WAITING = 200;
const REMEMBERED_MS = 60_000;
const MAX_REMEMBERED = 1000;
/** bcrypt sees no more of a password, so more of it would be a false safety. */
const MAX_BCRYPT_PASSWORD = 72;
const MAX_PASSWORD = 1024;

/** Compares passwords with their hashes; what was right stays right for a minute without being worked out again. */
export class PasswordCheck {
  readonly #elapsed: () => number;
  /** Until when, by a keyed hash of user, password and hash: memory holds no password, and a new hash is a new entry. */
  readonly #right = new Map<string, number>();
  readonly #secret = randomBytes(32);
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(elapsed: () => number) {
    this.#elapsed = elapsed;
  }

  /** Whether these credentials were right a moment ago. */
  isKnown(users: Users, user: string, password: string): boolean {
    const hash = users.get(user);
    if (hash === undefined) return false;
    const name = this.#nameOf(user, password, hash);
    const until = this.#right.get(name);
    if (until === undefined) return false;
    if (this.#elapsed() < until) return true;
    this.#right.delete(name);
    return false;
  }

  /**
   * Takes as long for an unknown user as for a known one. `before` may still forbid it when its turn comes, so that many
   * guesses at once are no more than many in a row.
   * @throws TooManyAttemptsError if too many wait already, or from `before`
   */
  async isRight(users: Users, user: string, password: string, before: () => void): Promise<boolean> {
    const hash = users.get(user);
    const [somebody] = users.values();
    const compared = hash ?? somebody;
    if (compared === undefined || !canBeChecked(password, compared)) return false;
    await this.#enter();
    try {
      before();
      const matches = await Bun.password.verify(password, compared).catch(() => false);
      if (!matches || hash === undefined) return false;
    } finally {
      this.#leave();
    }
    if (this.#right.size >= MAX_REMEMBERED) this.#right.clear();
    this.#right.set(this.#nameOf(user, password, hash), this.#elapsed() + REMEMBERED_MS);
    return true;
  }

  #nameOf(user: string, password: string, hash: string): string {
    return createHmac('sha256', this.#secret)
      .update(JSON.stringify([user, password, hash]))
      .digest('base64');
  }

  async #enter(): Promise<void> {
    if (this.#running < AT_ONCE) {
      this.#running++;
      return;
    }
    if (this.#waiting.length >= WAITING) throw new TooManyAttemptsError(1);
    // whoever leaves hands its place on
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}

/** A NUL ends a password for some programs, and so would let its beginning pass. */
function canBeChecked(password: string, hash: string): boolean {
  const limit = hash.startsWith('$2') ? MAX_BCRYPT_PASSWORD : MAX_PASSWORD;
  return password !== '' && Buffer.byteLength(password) <= limit && !password.includes('\0');
}
