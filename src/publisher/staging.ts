// SPDX-License-Identifier: Apache-2.0
import type { KeyId } from '../tuf/index.ts';
import { Draft } from './draft.ts';
import { PublishError } from './errors.ts';
import { lookAtPublished } from './look-at-published.ts';
import type { Edit, Published, PublisherOptions } from './publishing.ts';
import { keysAtHand } from './sign-role.ts';
import { applyStagedUpdate, completeStagedUpdate, cosignReviewed, type StagedReview } from './staged-review.ts';
import { type StagedUpdate, stageDraft } from './staged-update.ts';

const MAX_CONFLICTS = 5;

export interface Staged {
  readonly update: StagedUpdate;
  readonly reviews: readonly StagedReview[];
}

/**
 * Changes that several people sign one after another, each on a machine of their own, before they are published. Each
 * step is held against the repository as this user trusts it at that moment.
 */
export class Staging {
  readonly #options: PublisherOptions;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /**
   * What `edit` makes of the repository, signed by the keys at hand; nothing is published, and what others would refuse
   * is refused at once.
   * @throws PublishError `not-signed` if nothing changes; VerificationError, DownloadError, MetadataError, KeyStoreError
   */
  async stage(edit: Edit): Promise<Staged> {
    const { gun, dialect, keys, clock } = this.#options;
    const repository = await this.#options.refresh();
    const [draft, now] = [Draft.of(repository), clock()];
    await edit(draft, now);
    if (!draft.isChanged) throw new PublishError('not-signed', `nothing to stage: ${gun} says so already`);
    const update = await stageDraft(draft, dialect, keys, gun);
    return { update, reviews: applyStagedUpdate(update, Draft.of(repository), dialect, now) };
  }

  /** What an update would change now, who signed it and who is missing. @throws as {@link applyStagedUpdate} */
  async review(update: StagedUpdate): Promise<readonly StagedReview[]> {
    const { draft, now } = await this.#draft(update);
    return applyStagedUpdate(update, draft, this.#options.dialect, now);
  }

  /** The user's keys, by canonical ID, that have still to sign something of it. */
  async ownKeys(reviews: readonly StagedReview[]): Promise<readonly KeyId[]> {
    const found = new Set<KeyId>();
    for (const { pending } of reviews) {
      for (const authority of pending.authorities)
        for (const [listed, keyId] of await keysAtHand(this.#options.keys, authority))
          if (!pending.signatures.some((signature) => signature.keyId === listed)) found.add(keyId);
    }
    return [...found];
  }

  /** Signs what was reviewed, those very bytes, with the keys at hand. @throws KeyStoreError */
  cosign(reviews: readonly StagedReview[]): Promise<Staged> {
    const { gun, dialect, keys } = this.#options;
    return cosignReviewed(gun, reviews, dialect, keys);
  }

  /**
   * Publishes an update that has all its signatures.
   * @throws PublishError `conflict` if it was overtaken, `no-signing-key` if signatures are missing
   */
  async publish(update: StagedUpdate): Promise<Published> {
    const { gun, dialect, keys, server, onPublished, refresh } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const { draft, now } = await this.#draft(update);
      const signed = completeStagedUpdate(applyStagedUpdate(update, draft, dialect, now), dialect);
      const files = await draft.complete(dialect, keys, now, signed);
      try {
        await server.publish(gun, files);
      } catch (error) {
        // somebody changed another role: the update may still follow; if not, applying it says so
        if (error instanceof PublishError && error.code === 'conflict' && attempt < MAX_CONFLICTS) continue;
        throw error;
      }
      const published = { roles: [...files.keys()], initialized: false };
      onPublished?.(published);
      await lookAtPublished(refresh);
      return published;
    }
  }

  async #draft({ gun }: StagedUpdate): Promise<{ draft: Draft; now: Date }> {
    if (gun !== this.#options.gun)
      throw new PublishError('conflict', `the update was staged for ${gun}, not for ${this.#options.gun}`);
    return { draft: Draft.of(await this.#options.refresh()), now: this.#options.clock() };
  }
}
