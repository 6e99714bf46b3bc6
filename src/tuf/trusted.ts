// SPDX-License-Identifier: Apache-2.0
/**
 * A client's update as immutable stages. Each takes the bytes of the next file and gives the next stage, or throws and
 * leaves what was trusted as it was; a wrong order does not compile. Nothing here reads a file, a network or a clock.
 *
 * The rules, after TUF 1.0.34 section 5 (numbered in docs/spec.md):
 *   - a root is authorised by its predecessor and by itself, and is exactly one version newer (5.3);
 *   - every file carries its role's threshold of signatures, is not older than what was trusted before, matches every
 *     pin that its referrer states, and has not expired (5.4 timestamp, 5.5 snapshot, 5.6 targets and delegations);
 *   - top-level and delegated targets go through the same checks (S21).
 */
import { type Admitted, type Authority, admit, decodeRole, trustedBefore, type UpdateContext } from './admission.ts';
import { VerificationError } from './errors.ts';
import { checkExpiry, faultOf } from './expiry.ts';
import type { PublicKey } from './keys.ts';
import type {
  Delegation,
  Envelope,
  MetaFile,
  RoleKeys,
  Root,
  Signed,
  Snapshot,
  Targets,
  Timestamp,
  Verified,
} from './metadata.ts';
import { type KeyId, ROOT, type RoleName, SNAPSHOT, TARGETS, TIMESTAMP, type TopLevelRole } from './names.ts';
import { delegationNamed } from './path-patterns.ts';
import { checkPin, checkPinKept, checkPinnedVersion } from './pin.ts';
import { checkRollback, type Marks, markOf, unlistedDelegations } from './rollback.ts';
import { verifyRole } from './verify.ts';

/** Which root keys a user accepts on first use. */
export interface RootPin {
  admits(key: PublicKey): boolean;
}

/** A file that passed every check of its stage, with the bytes it came in. */
export interface TrustedFile<T extends Signed> {
  readonly role: RoleName;
  readonly signed: Verified<T>;
  readonly file: Uint8Array;
  readonly envelope: Envelope<T>;
}

export class TrustedRoot implements TrustedFile<Root> {
  readonly role: RoleName = ROOT;
  readonly signed: Verified<Root>;
  readonly file: Uint8Array;
  readonly envelope: Envelope<Root>;
  readonly #context: UpdateContext;

  private constructor(context: UpdateContext, file: Uint8Array, envelope: Envelope<Root>, signed: Verified<Root>) {
    this.#context = context;
    this.file = file;
    this.envelope = envelope;
    this.signed = signed;
  }

  /** A root trusted before. Expiry of file and certificate is judged later, so that it can still name its successor. */
  static load(file: Uint8Array, context: UpdateContext): TrustedRoot {
    const envelope = decodeRole('root', ROOT, file, context.dialect);
    return new TrustedRoot(
      context,
      file,
      envelope,
      verifyRole(ROOT, envelope, ...rootAuthority(envelope.signed, context)),
    );
  }

  /**
   * The first root of a repository: signed by keys that speak for the GUN now and that the user's pin admits. It may
   * be an old one whose chain leads on: {@link assertCurrent} holds its end against the newest root ever trusted.
   */
  static bootstrap(file: Uint8Array, context: UpdateContext, pin: RootPin): TrustedRoot {
    const envelope = decodeRole('root', ROOT, file, context.dialect);
    const root = envelope.signed;
    const [keys, role] = rootAuthority(root, context, context.now);
    const admitted = new Map([...keys].filter(([, key]) => pin.admits(key)));
    if (admitted.size === 0) {
      throw new VerificationError('unmet-pin', ROOT, `root of ${context.gun} is signed by no pinned key`, {
        actual: [...keys.keys()].join(', '),
      });
    }
    return new TrustedRoot(context, file, envelope, verifyRole(ROOT, envelope, admitted, role));
  }

  /** The next root: exactly version N+1, signed by this one's keys and by its own (5.3.4, 5.3.5; S18). */
  updateRoot(file: Uint8Array): TrustedRoot {
    const envelope = decodeRole('root', ROOT, file, this.#context.dialect);
    const next = envelope.signed;
    if (next.version !== this.signed.version + 1) {
      throw new VerificationError(
        'root-chain',
        ROOT,
        `root ${next.version} does not follow root ${this.signed.version}`,
        {
          expected: String(this.signed.version + 1),
          actual: String(next.version),
        },
      );
    }
    try {
      verifyRole(ROOT, envelope, ...rootAuthority(this.signed, this.#context));
    } catch (cause) {
      throw new VerificationError(
        'root-chain',
        ROOT,
        `root ${next.version} is not signed by the keys of root ${this.signed.version}`,
        { cause },
      );
    }
    return new TrustedRoot(
      this.#context,
      file,
      envelope,
      verifyRole(ROOT, envelope, ...rootAuthority(next, this.#context)),
    );
  }

  /** 5.3.10 and 5.4. `cached` is the timestamp trusted before this update. */
  updateTimestamp(file: Uint8Array, cached?: Uint8Array): TrustedTimestamp {
    this.assertCurrent();
    const trusted = admit('timestamp', TIMESTAMP, file, cached, this.authority('timestamp'), undefined, this.#context);
    // 5.4.3.2, where the snapshot is pinned by version
    checkPinKept(SNAPSHOT, trusted.before?.snapshot, trusted.signed.snapshot);
    // it says that the rest is the newest, unless nobody could sign a newer one: a server does not under an expired root
    if (this.#context.frozen !== true && faultOf(ROOT, () => this.assertInTime()).length === 0)
      checkExpiry(TIMESTAMP, trusted.signed, this.#context.now);
    return new TrustedTimestamp(this, trusted, this.#context);
  }

  /**
   * 5.4.3.1: whether a timestamp has the version of the one trusted before. Then it is no news, whatever else it says, and
   * the trusted one stands.
   */
  repeatsTimestamp(file: Uint8Array, cached: Uint8Array): boolean {
    const authority = this.authority('timestamp');
    const [fresh, before] = [file, cached].map((bytes) =>
      trustedBefore('timestamp', TIMESTAMP, bytes, authority, this.#context.dialect),
    );
    return fresh !== undefined && fresh.version === before?.version;
  }

  /**
   * That this root and one of its certificates is valid now (S2: every role's expiry, on every use), and that no newer
   * root was trusted before the cache was lost or put back (S17).
   */
  assertCurrent(): void {
    const { role } = this.authority('root');
    checkRollback(ROOT, this.signed.version, this.file, role, this.#context.marks.get(ROOT));
    if (this.#context.renewing !== true) this.assertInTime();
  }

  assertInTime(): void {
    checkExpiry(ROOT, this.signed, this.#context.now);
    verifyRole(ROOT, this.envelope, ...rootAuthority(this.signed, this.#context, this.#context.now));
  }

  authority(role: TopLevelRole): Authority {
    return { keys: this.signed.keys, role: this.signed.roles.get(role) as RoleKeys };
  }

  /** Marks with this root's; those of earlier files stay. */
  get marks(): Marks {
    return new Map([
      ...this.#context.marks,
      [ROOT, markOf(this.signed.version, this.authority('root').role, this.file)],
    ]);
  }
}

export class TrustedTimestamp implements TrustedFile<Timestamp> {
  readonly role: RoleName = TIMESTAMP;
  readonly root: TrustedRoot;
  readonly signed: Verified<Timestamp>;
  readonly file: Uint8Array;
  readonly envelope: Envelope<Timestamp>;
  readonly #context: UpdateContext;

  constructor(root: TrustedRoot, { signed, file, envelope }: Admitted<'timestamp'>, context: UpdateContext) {
    this.root = root;
    this.signed = signed;
    this.file = file;
    this.envelope = envelope;
    this.#context = context;
  }

  /** 5.5. `cached` is the snapshot trusted before this update. @throws VerificationError with role `root` if the
   * snapshot belongs to another root than ours: the root must then be updated first. */
  updateSnapshot(file: Uint8Array, cached?: Uint8Array): TrustedSnapshot {
    const authority = this.root.authority('snapshot');
    const trusted = admit('snapshot', SNAPSHOT, file, cached, authority, this.signed.snapshot, this.#context);
    // 5.5.5: what was pinned by version stays listed, and does not fall
    for (const [role, before] of trusted.before?.meta ?? []) checkPinKept(role, before, trusted.signed.meta.get(role));
    const rootPin = trusted.signed.meta.get(ROOT);
    if (rootPin !== undefined) {
      checkPin(ROOT, rootPin, this.root.file);
      checkPinnedVersion(ROOT, rootPin, this.root.signed.version);
    }
    return new TrustedSnapshot(this, trusted, this.#context);
  }

  get marks(): Marks {
    return withMark(this.root.marks, this, this.root.authority('timestamp').role);
  }
}

export class TrustedSnapshot implements TrustedFile<Snapshot> {
  readonly role: RoleName = SNAPSHOT;
  readonly timestamp: TrustedTimestamp;
  readonly signed: Verified<Snapshot>;
  readonly file: Uint8Array;
  readonly envelope: Envelope<Snapshot>;
  readonly #context: UpdateContext;

  constructor(timestamp: TrustedTimestamp, { signed, file, envelope }: Admitted<'snapshot'>, context: UpdateContext) {
    this.timestamp = timestamp;
    this.signed = signed;
    this.file = file;
    this.envelope = envelope;
    this.#context = context;
  }

  /** 5.6, top-level. `cached` is the targets file trusted before this update. */
  updateTargets(file: Uint8Array, cached?: Uint8Array): TrustedTargets {
    const authority = this.timestamp.root.authority('targets');
    const trusted = admit('targets', TARGETS, file, cached, authority, this.pinOf(TARGETS), this.#context);
    const top = trustedFile(TARGETS, trusted);
    return new TrustedTargets(
      this,
      new Map([[TARGETS, top]]),
      withMark(this.marks, top, authority.role),
      this.#context,
    );
  }

  /** What it says of a role's file. @throws VerificationError `malformed` it does not list the role */
  pinOf(role: RoleName): MetaFile {
    const pin = this.signed.meta.get(role);
    if (pin === undefined) throw new VerificationError('malformed', SNAPSHOT, `snapshot does not list ${role}`);
    return pin;
  }

  get marks(): Marks {
    return withMark(this.timestamp.marks, this, this.timestamp.root.authority('snapshot').role);
  }
}

/** The end of an update: top-level targets and as many delegations as were added. */
export class TrustedTargets {
  readonly snapshot: TrustedSnapshot;
  /** Verified targets files by role; `targets` is always there. */
  readonly roles: ReadonlyMap<RoleName, TrustedFile<Targets>>;
  readonly marks: Marks;
  readonly #context: UpdateContext;

  constructor(
    snapshot: TrustedSnapshot,
    roles: ReadonlyMap<RoleName, TrustedFile<Targets>>,
    marks: Marks,
    context: UpdateContext,
  ) {
    this.snapshot = snapshot;
    this.roles = roles;
    this.marks = marks;
    this.#context = context;
  }

  /** 5.6.7: with the file of `role` that the already trusted `parent` delegates to. */
  delegate(parent: RoleName, role: RoleName, file: Uint8Array, cached?: Uint8Array): TrustedTargets {
    const delegator = this.roles.get(parent);
    if (delegator === undefined) throw new Error(`${parent} does not delegate to ${role}: it is not trusted yet`);
    const added = this.delegated(delegator, role, file, cached);
    const marks = withMark(this.marks, added, delegationOf(delegator, role));
    return new TrustedTargets(this.snapshot, new Map([...this.roles, [role, added]]), marks, this.#context);
  }

  /**
   * 5.6.7: the file of `role`, judged by the keys that this very delegator gives it (S21). What one delegator's keys make
   * trusted is not thereby trusted for another's (S20).
   */
  delegated(
    delegator: TrustedFile<Targets>,
    role: RoleName,
    file: Uint8Array,
    cached?: Uint8Array,
  ): TrustedFile<Targets> {
    const authority = { keys: delegator.signed.delegations.keys, role: delegationOf(delegator, role) };
    const trusted = admit('targets', role, file, cached, authority, this.snapshot.pinOf(role), this.#context);
    return trustedFile(role, trusted);
  }

  /** Delegations of the loaded roles that were trusted before and that the snapshot hides now: none of them is trusted. */
  get unlisted(): ReadonlyMap<RoleName, VerificationError> {
    const { marks } = this.#context;
    return new Map(
      [...this.roles.values()].flatMap(({ signed }) => [...unlistedDelegations(signed, this.snapshot.signed, marks)]),
    );
  }

  /** What only who renews was given: a root and targets that have expired. */
  get expired(): ReadonlyMap<RoleName, VerificationError> {
    const targets = (this.roles.get(TARGETS) as TrustedFile<Targets>).signed;
    return new Map([
      ...faultOf(ROOT, () => this.snapshot.timestamp.root.assertInTime()),
      ...faultOf(TARGETS, () => checkExpiry(TARGETS, targets, this.#context.now)),
    ]);
  }
}

function rootAuthority(root: Root, context: UpdateContext, at?: Date): [ReadonlyMap<KeyId, PublicKey>, RoleKeys] {
  const keys = context.dialect.rootKeys(root, context.gun, at);
  if (keys.size === 0) {
    const when = at === undefined ? '' : ` at ${at.toISOString()}`;
    throw new VerificationError(
      'unusable-root-key',
      ROOT,
      `no root key of version ${root.version} may speak for ${context.gun}${when}`,
    );
  }
  return [keys, root.roles.get('root') as RoleKeys];
}

function delegationOf({ role: delegator, signed }: TrustedFile<Targets>, role: RoleName): Delegation {
  const delegation = delegationNamed(signed.delegations, role);
  if (delegation === undefined) throw new Error(`${delegator} does not delegate to ${role}`);
  return delegation;
}

function trustedFile(role: RoleName, { signed, file, envelope }: Admitted<'targets'>): TrustedFile<Targets> {
  return { role, signed, file, envelope };
}

function withMark(marks: Marks, { role, signed, file }: TrustedFile<Signed>, keys: RoleKeys): Marks {
  return new Map([...marks, [role, markOf((signed as Signed).version, keys, file)]]);
}
