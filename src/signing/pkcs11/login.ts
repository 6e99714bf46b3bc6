// SPDX-License-Identifier: Apache-2.0
import { type Cryptoki, type Handle, Rv, returnValue, TokenFlag, User } from './cryptoki.ts';
import { tokenError } from './token-errors.ts';

export interface PinRequest {
  /** The token's label. */
  readonly token: string;
  /** Counts from 0 and grows after a wrong one. */
  readonly attempt: number;
  /** Whether a wrong PIN locks the token. */
  readonly isFinalTry: boolean;
}

/** Where PINs come from: a terminal, an open descriptor, a file; never an argument, a variable or a URI (S6). */
export interface Pins {
  /** `undefined` means that there is none, or no other. A source that is no person gives one PIN once. */
  pin(request: PinRequest): Promise<string | undefined>;
  /** Tells the user something that is no error. */
  warn(message: string): void;
}

const MAX_ATTEMPTS = 3;
/** PINs that makers set and manuals print: YubiKey, Nitrokey and OpenSC, SoftHSM, YubiHSM. */
const DEFAULT_PINS = ['123456', '12345678', '1234', '648219', '0000', '000000', '0001password'];
const WRONG: readonly (number | undefined)[] = [Rv.pinIncorrect, Rv.pinInvalid, Rv.pinLengthRange];

/** The login at one token, which lasts as long as the program. */
export class Login {
  readonly #cryptoki: Cryptoki;
  readonly #slot: Handle;
  readonly #token: string;
  readonly #pins: Pins;
  #isDone = false;

  constructor(cryptoki: Cryptoki, slot: Handle, token: string, pins: Pins) {
    this.#cryptoki = cryptoki;
    this.#slot = slot;
    this.#token = token;
    this.#pins = pins;
  }

  /** @throws KeyStoreError `no-pin`, `wrong-pin`, `pin-locked` */
  async ensure(session: Handle): Promise<void> {
    if (this.#isDone || (this.#flags() & TokenFlag.loginRequired) === 0) return;
    await this.#ask(session, User.user);
    this.#isDone = true;
  }

  /** The PIN once more, for a key that asks for it at each signature. */
  async once(session: Handle): Promise<void> {
    await this.#ask(session, User.contextSpecific);
  }

  async #ask(session: Handle, user: number): Promise<void> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const isFinalTry = this.#checkedFlags(attempt);
      // an empty answer is no PIN, and must not cost a try
      const pin = (await this.#pins.pin({ token: this.#token, attempt, isFinalTry })) || undefined;
      if (pin === undefined && attempt === 0) throw this.#noPin();
      if (pin === undefined) break;
      if (this.#isRight(session, user, pin)) return;
    }
    throw this.#wrongPin();
  }

  /** Whether one try is left. A wrong PIN given here must not lead straight to the last try, which locks the token. */
  #checkedFlags(attempt: number): boolean {
    const flags = this.#flags();
    if ((flags & TokenFlag.pinLocked) !== 0) throw this.#locked();
    const isFinalTry = (flags & TokenFlag.pinFinalTry) !== 0;
    if (isFinalTry && attempt > 0) throw this.#wrongPin();
    return isFinalTry;
  }

  #isRight(session: Handle, user: number, pin: string): boolean {
    try {
      this.#cryptoki.C_Login(session, user, pin);
    } catch (error) {
      const rv = returnValue(error);
      if (rv === Rv.userAlreadyLoggedIn) return true;
      if (rv === Rv.pinLocked) throw this.#locked();
      if (WRONG.includes(rv)) return false;
      throw error;
    }
    if (DEFAULT_PINS.includes(pin)) {
      this.#pins.warn(
        `the PIN of token ${JSON.stringify(this.#token)} is one that its maker set and everybody knows: change it`,
      );
    }
    return true;
  }

  #flags(): number {
    return this.#cryptoki.C_GetTokenInfo(this.#slot).flags;
  }

  #noPin() {
    return tokenError('no-pin', this.#token, 'needs its PIN, and there is no terminal to ask on', {
      remedy: 'give it by --pin-fd N, or by pin-source=file:/path in the token URI',
    });
  }

  #locked() {
    return tokenError('pin-locked', this.#token, 'has a locked PIN: it was given wrong too often', {
      remedy: 'unlock it with the PUK or SO PIN and the tool of its maker',
    });
  }

  #wrongPin() {
    const flags = this.#flags();
    if ((flags & TokenFlag.pinLocked) !== 0) return this.#locked();
    const left = (flags & TokenFlag.pinFinalTry) !== 0 ? ': one try is left before it locks' : '';
    return tokenError('wrong-pin', this.#token, `was given a wrong PIN${left}`, {
      remedy: 'run the command again with the right PIN',
    });
  }
}
