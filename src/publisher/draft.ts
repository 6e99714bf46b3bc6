// SPDX-License-Identifier: Apache-2.0
import type { RefusedRole, TrustedRepository } from '../client/index.ts';
import {
  type Dialect,
  firstTargets,
  kindOf,
  type Marks,
  type MetaFile,
  nextSnapshot,
  nextVersion,
  parentRole,
  ROOT,
  type RoleKeys,
  type RoleName,
  type Root,
  type Signed,
  SNAPSHOT,
  type Snapshot,
  TARGETS,
  type Targets,
  type VerificationError,
  type Version,
} from '../tuf/index.ts';
import {
  type Authority,
  addSignatures,
  completeFile,
  keysAtHand,
  type PendingFile,
  type SigningKeys,
} from './sign-role.ts';

/** What a draft starts from. */
export interface DraftBase {
  readonly root: Root;
  /** The root file itself, where the server does not have it yet and is to be sent it. */
  readonly unpublishedRoot?: Uint8Array;
  readonly targets: ReadonlyMap<RoleName, Targets>;
  readonly snapshot?: Snapshot;
  /** Roles whose present files are not trusted, with those files. */
  readonly refused: TrustedRepository['refused'];
  /** The newest versions ever trusted, of roles that are gone as well: a server takes no older one again. */
  readonly marks?: Marks;
  /** Below which a role without a file does not start: a server may hold versions of it that it no longer shows. */
  readonly floor?: number;
}

/** The next state of a repository, being edited: roles that change, on top of what is trusted now. */
export class Draft {
  readonly #base: DraftBase;
  readonly #changed = new Map<RoleName, Targets>();
  readonly #removed = new Set<RoleName>();
  #nextRoot: Root | undefined;

  constructor(base: DraftBase) {
    this.#base = base;
  }

  static of({ targets: trusted, refused }: TrustedRepository, floor = 0): Draft {
    const { snapshot, roles } = trusted;
    const targets = new Map([...roles].map(([role, { signed }]): [RoleName, Targets] => [role, signed]));
    const { marks } = trusted;
    return new Draft({
      root: snapshot.timestamp.root.signed,
      targets,
      snapshot: snapshot.signed,
      refused,
      marks,
      floor,
    });
  }

  /** The root as it will be. */
  get root(): Root {
    return this.#nextRoot ?? this.#base.root;
  }

  /** Whether the repository has never been published. */
  get isNew(): boolean {
    return this.#base.unpublishedRoot !== undefined;
  }

  get isChanged(): boolean {
    return this.isNew || this.#nextRoot !== undefined || this.#changed.size > 0;
  }

  /** Roles with a file of targets, as they will be. */
  get roles(): readonly RoleName[] {
    return [...new Set([...this.#base.targets.keys(), ...this.#changed.keys()])].filter((role) => this.#isThere(role));
  }

  /** The role as it will be, or as it is; undefined if nobody ever signed it. */
  targets(role: RoleName): Targets | undefined {
    return this.#changed.get(role) ?? this.#before(role);
  }

  /** What is trusted of a role now; a role that was removed here starts anew, so that nothing old comes back with it. */
  #before(role: RoleName): Targets | undefined {
    return this.#removed.has(role) ? undefined : this.#base.targets.get(role);
  }

  #isThere(role: RoleName): boolean {
    return this.#changed.has(role) || !this.#removed.has(role);
  }

  #refused(role: RoleName): RefusedRole | undefined {
    const isReplaced = role === ROOT ? this.#nextRoot !== undefined : this.#changed.has(role);
    return isReplaced || this.#removed.has(role) ? undefined : this.#base.refused.get(role);
  }

  /**
   * Changes a role; the first change makes its next version.
   * @throws VerificationError the role's present file is not trusted, so nothing may be built on it
   */
  edit(role: RoleName, now: Date, change: (targets: Targets) => Targets): void {
    const refused = this.#refused(role);
    const base = this.#before(role);
    // what was hidden has neither: it may begin anew
    if (refused !== undefined && (refused.file !== undefined || base !== undefined)) throw refused.error;
    const current = this.#changed.get(role) ?? (base === undefined ? this.#first(role, now) : nextVersion(base, now));
    this.#changed.set(role, change(current));
  }

  /** Why the role's present file is not trusted, unless it is, or is replaced here. */
  refusal(role: RoleName): VerificationError | undefined {
    return this.#refused(role)?.error;
  }

  /**
   * Signs a role anew as it is. The content of one that is refused is taken over unproven: only for a user who asks for
   * it by name (reference 5.6).
   * @returns whether the role has a file to sign
   */
  witness(role: RoleName, dialect: Dialect, now: Date): boolean {
    const refused = this.#refused(role);
    const expired = refused && this.#before(role);
    if (expired !== undefined) this.#changed.set(role, nextVersion(expired, now));
    else if (refused?.file !== undefined)
      this.#changed.set(role, nextVersion(dialect.decode('targets', refused.file).signed, now));
    else if (this.targets(role) === undefined) return false;
    else this.edit(role, now, (targets) => targets);
    return true;
  }

  #first(role: RoleName, now: Date): Targets {
    return { ...firstTargets(now), version: (this.lastVersion(role) + 1) as Version };
  }

  /** The newest version of a role that is known: 0 for one that nobody ever signed. */
  lastVersion(role: RoleName): number {
    const { marks, floor = 0, targets } = this.#base;
    const known = this.targets(role)?.version ?? targets.get(role)?.version;
    return known ?? Math.max(marks?.get(role)?.version ?? 0, role === TARGETS ? 0 : floor);
  }

  /** Changes the root: one version on, however often it is changed. */
  editRoot(now: Date, change: (root: Root) => Root): void {
    this.#nextRoot = change(this.#nextRoot ?? nextVersion(this.#base.root, now));
  }

  /** Takes a delegation's file and all below it out of what is edited and listed. */
  dropRole(dropped: RoleName): void {
    for (const role of this.roles) {
      if (role !== dropped && !role.startsWith(`${dropped}/`)) continue;
      this.#changed.delete(role);
      this.#removed.add(role);
    }
  }

  /** The keys that may sign a role: of root for `targets`, of the parent for a delegation. */
  authority(role: RoleName): Authority | undefined {
    if (role === TARGETS) return this.#rootAuthority('targets');
    const delegations = this.targets(parentRole(role))?.delegations;
    const delegation = delegations?.roles.find(({ name }) => name === role);
    return delegations && delegation && { keys: delegations.keys, role: delegation };
  }

  /** What has to be signed, root first; nothing is signed yet. */
  pending(dialect: Dialect): readonly PendingFile[] {
    const file = (role: RoleName, signed: Signed, authorities: readonly Authority[]): PendingFile => ({
      role,
      kind: kindOf(role),
      signedBytes: dialect.encodeSigned(signed),
      signatures: [],
      authorities,
    });
    const root =
      this.#nextRoot && file(ROOT, this.#nextRoot, [authorityOf(this.#base.root, 'root'), this.#rootAuthority('root')]);
    const roles = [...this.#changed].map(([role, targets]) => {
      const authority = this.authority(role);
      if (authority === undefined) throw new Error(`${role} has no delegator`);
      return file(role, targets, [authority]);
    });
    return root === undefined ? roles : [root, ...roles];
  }

  /**
   * Every changed role signed by the keys at hand and verified, and the snapshot where its key is at hand.
   * @throws PublishError `no-signing-key`; KeyStoreError
   */
  async sign(dialect: Dialect, keys: SigningKeys, now: Date): Promise<ReadonlyMap<RoleName, Uint8Array>> {
    const complete = new Map<RoleName, Uint8Array>();
    for (const file of this.pending(dialect))
      complete.set(file.role, completeFile(dialect, await addSignatures(keys, file)));
    return this.complete(dialect, keys, now, complete);
  }

  /**
   * The files to send: these, an unpublished root, and the snapshot over all of them when its key is at hand; where it is
   * not, the server makes the snapshot (reference 5.3).
   */
  async complete(
    dialect: Dialect,
    keys: SigningKeys,
    now: Date,
    signed: ReadonlyMap<RoleName, Uint8Array>,
  ): Promise<ReadonlyMap<RoleName, Uint8Array>> {
    const { unpublishedRoot } = this.#base;
    // with either of them expired no client would take what is published
    const expired = this.refusal(ROOT) ?? this.refusal(TARGETS);
    if (expired !== undefined) throw expired;
    const files = new Map(
      unpublishedRoot === undefined || signed.has(ROOT) ? signed : [[ROOT, unpublishedRoot] as const, ...signed],
    );
    const authority = this.#rootAuthority('snapshot');
    if ((await keysAtHand(keys, authority)).size < authority.role.threshold) return files;
    const pins = new Map<RoleName, MetaFile | null>([...files].map(([role, file]) => [role, dialect.pin(file)]));
    for (const role of this.#removed) if (!this.#isThere(role)) pins.set(role, null);
    const snapshot = nextSnapshot(this.#base.snapshot, pins, now);
    const pending = {
      role: SNAPSHOT,
      kind: 'snapshot' as const,
      signedBytes: dialect.encodeSigned(snapshot),
      signatures: [],
      authorities: [authority],
    };
    return files.set(SNAPSHOT, completeFile(dialect, await addSignatures(keys, pending)));
  }

  #rootAuthority(role: 'root' | 'targets' | 'snapshot'): Authority {
    return authorityOf(this.root, role);
  }
}

function authorityOf(root: Root, role: 'root' | 'targets' | 'snapshot'): Authority {
  return { keys: root.keys, role: root.roles.get(role) as RoleKeys };
}
