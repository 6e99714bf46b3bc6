// SPDX-License-Identifier: Apache-2.0
import { type RoleName, type TargetFile, VerificationError } from '../tuf/index.ts';
import { Draft } from './draft.ts';
import { PublishError } from './errors.ts';
import { initializeRepository } from './initialize.ts';
import { lookAtPublished } from './look-at-published.ts';
import type { Edit, Published, PublisherOptions } from './publishing.ts';
import { Staging } from './staging.ts';
import { addTarget, dockerSigningRoles, revokeTag } from './tags.ts';

const MAX_CONFLICTS = 5;
/** By how much the version goes up, at each conflict, at which a role that has no file starts. */
const FLOOR_STEP = 10;

/** Edits, signs, verifies its own output, sends, and starts anew from the server's state if somebody was faster. */
export class Publisher {
  /** Changes that other people sign as well, before they are published. */
  readonly staging: Staging;
  readonly #options: PublisherOptions;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.staging = new Staging(options);
  }

  /**
   * Signs `tag` for the given content where Docker would. A repository that does not exist yet is made.
   * @throws PublishError, KeyStoreError, VerificationError, DownloadError; nothing was published then
   */
  sign(tag: string, target: TargetFile): Promise<Published> {
    return this.publish(async (draft, now) => {
      for (const role of await dockerSigningRoles(draft, this.#options.keys, tag))
        addTarget(draft, role, now, tag, target);
    });
  }

  /**
   * Takes a tag, or every tag, from all roles that sign it.
   * @throws PublishError `not-signed`; `no-signing-key` and nothing was done; `incomplete` if it is no longer trusted but
   * a signer whose key is elsewhere still lists it
   */
  async revoke(tag?: string): Promise<Published> {
    let kept: readonly RoleName[] = [];
    const refuse = () => Promise.reject(new PublishError('not-signed', `${this.#options.gun} has no trust data`));
    const existing = new Publisher({ ...this.#options, initialize: this.#options.initialize ?? refuse });
    const published = await existing.publish(async (draft, now) => {
      kept = await revokeTag(draft, this.#options.keys, now, tag);
    });
    if (kept.length === 0) return published;
    const what = tag ?? 'the repository';
    throw new PublishError(
      'incomplete',
      `${what} is no longer trusted, but ${kept.join(', ')} still signs it: its signer must revoke it as well`,
      {
        roles: kept,
      },
    );
  }

  /**
   * Publishes what `edit` makes of the repository's newest state. A draft that nothing changed is not sent, unless
   * `always`: then the server makes a new snapshot and timestamp at least.
   */
  async publish(edit: Edit, { always = false } = {}): Promise<Published> {
    const { gun, dialect, keys, server, clock } = this.#options;
    for (let attempt = 1; ; attempt++) {
      // a delegation that was taken away and given back: its old versions are there still, and nobody says how many
      const draft = await this.#draft(attempt === 1 ? 0 : FLOOR_STEP ** (attempt - 1));
      const now = clock();
      const initialized = draft.isNew;
      await edit(draft, now);
      if (!draft.isChanged && !always) return { roles: [], initialized };
      const files = await draft.sign(dialect, keys, now);
      try {
        await server.publish(gun, files);
      } catch (error) {
        if (error instanceof PublishError && error.code === 'conflict' && attempt < MAX_CONFLICTS) continue;
        throw error;
      }
      const published = { roles: [...files.keys()], initialized };
      this.#options.onPublished?.(published);
      await lookAtPublished(this.#options.refresh);
      return published;
    }
  }

  /** The repository as it is, or a new one if the server has never heard of it. */
  async #draft(floor: number): Promise<Draft> {
    try {
      return Draft.of(await this.#options.refresh(), floor);
    } catch (error) {
      if (!(error instanceof VerificationError) || error.code !== 'unsigned' || error.role !== 'root') throw error;
      const { initialize, clock, ...options } = this.#options;
      return initialize === undefined ? initializeRepository({ ...options, now: clock() }) : initialize();
    }
  }
}
