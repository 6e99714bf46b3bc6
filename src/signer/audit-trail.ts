// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import type { Audit, KeyUse } from './audit.ts';
import type { ClientIdentity } from './client-identity.ts';
import { SigningRefusal } from './refusals.ts';

/** What is known of a use of a key, beside who, when and how it ended. */
export type KeyUseFacts = Omit<KeyUse, 'phase' | 'id' | 'at' | 'client' | 'address' | 'requestId' | 'reason'>;

/** Writes the lines of one use, in their order. */
export class AuditTrail {
  readonly #audit: Audit;
  readonly #clock: () => Date;

  constructor(audit: Audit, clock: () => Date) {
    this.#audit = audit;
    this.#clock = clock;
  }

  /** Decides whether a use may begin; that it may not is recorded as well, with what `facts` has by then. */
  async judged<T>(client: ClientIdentity, facts: KeyUseFacts, judge: () => T | Promise<T>): Promise<T> {
    try {
      return await judge();
    } catch (error) {
      if (error instanceof SigningRefusal)
        await this.#record({ ...facts, phase: 'refused', reason: error.message }, randomUUID(), client);
      throw error;
    }
  }

  /**
   * Does `work` between the lines that tell of it. Nothing is done unless the intent stands, and its result is kept back
   * unless the outcome stands as well.
   */
  async around<T>(
    client: ClientIdentity,
    facts: KeyUseFacts,
    work: () => Promise<T>,
    outcome: (result: T) => Partial<KeyUseFacts> = () => ({}),
  ): Promise<T> {
    const id = randomUUID();
    await this.#record({ ...facts, phase: 'intent' }, id, client);
    let result: T;
    try {
      result = await work();
    } catch (error) {
      await this.#record({ ...facts, phase: 'failed', reason: messageOf(error) }, id, client);
      throw error;
    }
    await this.#record({ ...facts, ...outcome(result), phase: 'done' }, id, client);
    return result;
  }

  async #record(
    use: Omit<KeyUse, 'id' | 'at' | 'client' | 'address' | 'requestId'>,
    id: string,
    client: ClientIdentity,
  ) {
    const at = this.#clock().toISOString();
    const { name, address, requestId } = client;
    await this.#audit({ ...use, id, at, client: name, address, ...(requestId === undefined ? {} : { requestId }) });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
