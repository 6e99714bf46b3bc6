// SPDX-License-Identifier: Apache-2.0
import { RELEASES, type TrustedRepository } from '../client/index.ts';
import {
  coversPath,
  type Dialect,
  type Gun,
  type RoleName,
  sameTarget,
  TARGETS,
  type TargetFile,
  VerificationError,
  withoutTarget,
  withTarget,
} from '../tuf/index.ts';
import { Draft } from './draft.ts';
import { PublishError } from './errors.ts';
import { initializeRepository } from './initialize.ts';
import { keysAtHand, type SigningKeys } from './sign-role.ts';
import type { TrustServer } from './trust-server.ts';

const MAX_CONFLICTS = 5;

export interface PublisherOptions {
  readonly gun: Gun;
  readonly dialect: Dialect;
  readonly keys: SigningKeys;
  readonly server: TrustServer;
  /** Brings the repository up to date, from the server, each time it is called. */
  readonly refresh: () => Promise<TrustedRepository>;
  readonly clock: () => Date;
  /** Called before a root key is made. */
  readonly onNewRootKey?: () => void;
}

/** What was published. */
export interface Published {
  /** Roles whose content changed; empty if everything was signed already. */
  readonly roles: readonly RoleName[];
  /** Whether the repository was new. */
  readonly initialized: boolean;
}

/** Signs and revokes tags: edits, signs, verifies its own output, sends, and starts anew if somebody was faster. */
export class Publisher {
  readonly #options: PublisherOptions;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /**
   * Signs `tag` for the given content: into every direct delegation of `targets` whose key is at hand and whose paths
   * allow the tag, or into `targets` where there are no delegations (reference 10.3). A repository that does not exist
   * yet is made.
   * @throws PublishError, KeyStoreError, VerificationError, DownloadError; nothing was published then
   */
  async sign(tag: string, target: TargetFile): Promise<Published> {
    return this.#publish(async (draft, now) => {
      const roles = await this.#signingRoles(draft, tag);
      for (const role of roles) {
        if (sameTarget(target, draft.targets(role)?.targets.get(tag))) continue;
        draft.edit(role, now, (targets) => withTarget(targets, tag, target));
      }
    });
  }

  /**
   * Takes a tag, or every tag, from all roles that sign it. Docker leaves a tag trusted that `targets` signs when
   * there are delegations; here a role that makes the tag trusted and cannot be signed fails the whole.
   * @throws PublishError `not-signed`; `no-signing-key` and nothing was done; `incomplete` if it is no longer trusted but
   * a signer whose key is elsewhere still lists it
   */
  async revoke(tag?: string): Promise<Published> {
    let kept: readonly RoleName[] = [];
    const published = await this.#publish(async (draft, now, repository) => {
      if (repository === undefined) throw new PublishError('not-signed', `${this.#options.gun} has no trust data`);
      const holders = [...repository.targets.roles].filter(([, { signed }]) =>
        tag === undefined ? signed.targets.size > 0 : signed.targets.has(tag),
      );
      if (holders.length === 0)
        throw new PublishError(
          'not-signed',
          tag === undefined ? 'no signed tags to remove' : `No valid trust data for ${tag}`,
        );
      const signable = await this.#signable(
        draft,
        holders.map(([role]) => role),
      );
      kept = holders.map(([role]) => role).filter((role) => !signable.has(role));
      const trusting = kept.filter((role) => role === TARGETS || role === RELEASES);
      if (trusting.length > 0) throw this.#missingKeys(draft, trusting, tag);
      if (signable.size === 0) throw this.#missingKeys(draft, kept, tag);
      for (const role of signable) {
        draft.edit(role, now, (targets) =>
          tag === undefined ? { ...targets, targets: new Map() } : withoutTarget(targets, tag),
        );
      }
    });
    if (kept.length > 0) {
      const what = tag ?? 'the repository';
      throw new PublishError(
        'incomplete',
        `${what} is no longer trusted, but ${kept.join(', ')} still signs it: its signer must revoke it as well`,
        { roles: kept },
      );
    }
    return published;
  }

  async #publish(
    edit: (draft: Draft, now: Date, repository: TrustedRepository | undefined) => Promise<void>,
  ): Promise<Published> {
    const { gun, dialect, keys, server, clock } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const repository = await this.#current();
      const now = clock();
      const draft =
        repository === undefined
          ? Draft.ofNew(await initializeRepository({ ...this.#options, now }), dialect)
          : Draft.of(repository);
      await edit(draft, now, repository);
      if (!draft.isChanged) return { roles: [], initialized: false };
      const files = await draft.sign(dialect, keys, now);
      try {
        await server.publish(gun, files);
      } catch (error) {
        if (error instanceof PublishError && error.code === 'conflict' && attempt < MAX_CONFLICTS) continue;
        throw error;
      }
      await this.#options.refresh();
      return { roles: [...files.keys()], initialized: repository === undefined };
    }
  }

  /** The repository, or undefined if the server has never heard of it. */
  async #current(): Promise<TrustedRepository | undefined> {
    try {
      return await this.#options.refresh();
    } catch (error) {
      if (error instanceof VerificationError && error.code === 'unsigned' && error.role === 'root') return undefined;
      throw error;
    }
  }

  async #signingRoles(draft: Draft, tag: string): Promise<readonly RoleName[]> {
    const delegations = draft.targets(TARGETS)?.delegations.roles ?? [];
    if (delegations.length === 0) return [TARGETS];
    const allowed = delegations.filter(({ paths }) => coversPath(paths, tag)).map(({ name }) => name);
    const signable = await this.#signable(draft, allowed);
    if (signable.size === 0) {
      throw new PublishError('no-delegation-key', 'no valid signing keys for delegation roles', {
        roles: delegations.map(({ name }) => name),
      });
    }
    return [...signable];
  }

  async #signable(draft: Draft, roles: readonly RoleName[]): Promise<ReadonlySet<RoleName>> {
    const signable = new Set<RoleName>();
    for (const role of roles) {
      const authority = draft.authority(role);
      if (authority === undefined) continue;
      const { size } = await keysAtHand(this.#options.keys, authority.keys, authority.role);
      if (size >= authority.role.threshold) signable.add(role);
    }
    return signable;
  }

  #missingKeys(draft: Draft, roles: readonly RoleName[], tag: string | undefined): PublishError {
    const keyIds = roles.flatMap((role) => draft.authority(role)?.role.keyIds ?? []);
    return new PublishError(
      'no-signing-key',
      `${tag ?? 'the repository'} stays signed by ${roles.join(', ')}: none of the keys ${keyIds.join(', ')} is at hand`,
      { roles, keyIds },
    );
  }
}
