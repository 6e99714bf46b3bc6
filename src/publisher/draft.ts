// SPDX-License-Identifier: Apache-2.0
import type { TrustedRepository } from '../client/index.ts';
import {
  type Dialect,
  firstTargets,
  type KeyId,
  type MetaFile,
  nextSnapshot,
  nextVersion,
  type PublicKey,
  parentRole,
  ROOT,
  type RoleKeys,
  type RoleName,
  type Root,
  SNAPSHOT,
  type Snapshot,
  TARGETS,
  type Targets,
} from '../tuf/index.ts';
import type { NewRepository } from './initialize.ts';
import { keysAtHand, type SigningKeys, signRole } from './sign-role.ts';

/** The next state of a repository, being edited: roles that change, on top of what is trusted now. */
export class Draft {
  readonly root: Root;
  readonly #rootFile: Uint8Array | undefined;
  readonly #base: ReadonlyMap<RoleName, Targets>;
  readonly #snapshot: Snapshot | undefined;
  readonly #pins: ReadonlyMap<RoleName, MetaFile>;
  readonly #refused: TrustedRepository['refused'];
  readonly #changed = new Map<RoleName, Targets>();

  private constructor(from: {
    root: Root;
    rootFile?: Uint8Array;
    base: ReadonlyMap<RoleName, Targets>;
    snapshot?: Snapshot;
    pins: ReadonlyMap<RoleName, MetaFile>;
    refused?: TrustedRepository['refused'];
  }) {
    this.root = from.root;
    this.#rootFile = from.rootFile;
    this.#base = from.base;
    this.#snapshot = from.snapshot;
    this.#pins = from.pins;
    this.#refused = from.refused ?? new Map();
  }

  static of({ targets, refused }: TrustedRepository): Draft {
    const { snapshot, roles } = targets;
    const base = new Map([...roles].map(([role, { signed }]): [RoleName, Targets] => [role, signed]));
    return new Draft({
      root: snapshot.timestamp.root.signed,
      base,
      snapshot: snapshot.signed,
      pins: new Map(),
      refused,
    });
  }

  static ofNew({ root, rootFile, targets }: NewRepository, dialect: Dialect): Draft {
    const draft = new Draft({ root, rootFile, base: new Map(), pins: new Map([[ROOT, dialect.pin(rootFile)]]) });
    draft.#changed.set(TARGETS, targets);
    return draft;
  }

  /** The role as it will be, or as it is; undefined if nobody ever signed it. */
  targets(role: RoleName): Targets | undefined {
    return this.#changed.get(role) ?? this.#base.get(role);
  }

  /**
   * Changes a role; the first change makes its next version.
   * @throws VerificationError the role's present file is not trusted, so nothing may be built on it
   */
  edit(role: RoleName, now: Date, change: (targets: Targets) => Targets): void {
    const fault = this.#refused.get(role);
    if (fault !== undefined) throw fault;
    const base = this.#base.get(role);
    const current = this.#changed.get(role) ?? (base === undefined ? firstTargets(now) : nextVersion(base, now));
    this.#changed.set(role, change(current));
  }

  get isChanged(): boolean {
    return this.#changed.size > 0 || this.#rootFile !== undefined;
  }

  /** The keys that may sign a role: of root for `targets`, of the parent for a delegation. */
  authority(role: RoleName): { keys: ReadonlyMap<KeyId, PublicKey>; role: RoleKeys } | undefined {
    if (role === TARGETS) return { keys: this.root.keys, role: this.root.roles.get('targets') as RoleKeys };
    const delegations = this.targets(parentRole(role))?.delegations;
    const delegation = delegations?.roles.find(({ name }) => name === role);
    return delegations && delegation && { keys: delegations.keys, role: delegation };
  }

  /**
   * Every changed role signed and verified; the snapshot as well, when its key is at hand. Where it is not, the server
   * makes the snapshot (reference 5.3).
   * @throws PublishError, KeyStoreError
   */
  async sign(dialect: Dialect, keys: SigningKeys, now: Date): Promise<ReadonlyMap<RoleName, Uint8Array>> {
    const files = new Map<RoleName, Uint8Array>();
    if (this.#rootFile !== undefined) files.set(ROOT, this.#rootFile);
    for (const [role, targets] of this.#changed) {
      const authority = this.authority(role);
      if (authority === undefined) throw new Error(`${role} has no delegator`);
      files.set(role, await signRole(dialect, keys, role, targets, authority.keys, authority.role));
    }
    const snapshotKeys = this.root.roles.get('snapshot') as RoleKeys;
    if ((await keysAtHand(keys, this.root.keys, snapshotKeys)).size >= snapshotKeys.threshold) {
      const pins = new Map([
        ...this.#pins,
        ...[...files].map(([role, file]): [RoleName, MetaFile] => [role, dialect.pin(file)]),
      ]);
      const snapshot = nextSnapshot(this.#snapshot, pins, now);
      files.set(SNAPSHOT, await signRole(dialect, keys, SNAPSHOT, snapshot, this.root.keys, snapshotKeys));
    }
    return files;
  }
}
