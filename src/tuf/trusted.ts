// SPDX-License-Identifier: Apache-2.0
/**
 * A client's update as immutable stages. Each takes the bytes of the next file and gives the next stage, or throws and
 * leaves what was trusted as it was; a wrong order does not compile. Nothing here reads a file, a network or a clock.
 *
 * The rules, after TUF 1.0.33 section 5 (numbered in docs/spec.md):
 *   - a root is authorised by its predecessor and by itself, and is exactly one version newer (5.3);
 *   - every file carries its role's threshold of signatures, is not older than what was trusted before, matches every
 *     pin that its referrer states, and has not expired (5.4 timestamp, 5.5 snapshot, 5.6 targets and delegations);
 *   - top-level and delegated targets go through the same checks (S21).
 */
import { equalBytes } from '../encoding/index.ts';
import type { Dialect, SignedOf } from './dialect.ts';
import { kindOf } from './dialect.ts';
import { MetadataError, VerificationError } from './errors.ts';
import { checkExpiry, faultOf } from './expiry.ts';
import type { PublicKey } from './keys.ts';
import type { Envelope, MetaFile, RoleKeys, Root, Signed, Snapshot, Targets, Timestamp, Verified } from './metadata.ts';
import { type Gun, type KeyId, ROOT, type RoleName, SNAPSHOT, TARGETS, TIMESTAMP, type TopLevelRole } from './names.ts';
import { checkPin, checkPinnedVersion } from './pin.ts';
import { checkRollback, type Mark, type Marks, markOf, unlistedDelegations } from './rollback.ts';
import { verifyRole } from './verify.ts';

/** What a publisher may find expired; a delegation is passed over alone. */
const RENEWABLE: readonly RoleName[] = [TIMESTAMP, SNAPSHOT, TARGETS];
/** What nobody can renew in a frozen copy: the publisher's own files still expire. */
const FROZEN: readonly RoleName[] = [TIMESTAMP, SNAPSHOT];

/** What holds for one whole update. */
export interface UpdateContext {
  readonly dialect: Dialect;
  readonly gun: Gun;
  /** The moment at which expiry is judged: one for the whole update (S26). */
  readonly now: Date;
  /** The newest versions ever trusted; empty on first use. */
  readonly marks: Marks;
  /** For a publisher, who renews what has expired: it may be past its time. Never to use it. */
  readonly renewing?: boolean;
  /** For a copy that no server renews: timestamp and snapshot may be past their time, since versions say how old is too old. */
  readonly frozen?: boolean;
}

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

/** The keys and threshold under which a role is judged. */
interface Authority {
  readonly keys: ReadonlyMap<KeyId, PublicKey>;
  readonly role: RoleKeys;
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
    const envelope = decode('root', ROOT, file, context.dialect);
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
    const envelope = decode('root', ROOT, file, context.dialect);
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
    const envelope = decode('root', ROOT, file, this.#context.dialect);
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
    // it says that the rest is the newest, unless nobody could sign a newer one: a server does not under an expired root
    if (this.#context.frozen !== true && faultOf(ROOT, () => this.assertInTime()).length === 0)
      checkExpiry(TIMESTAMP, trusted.signed, this.#context.now);
    return new TrustedTimestamp(this, trusted, this.#context);
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
    const pin = requirePin(TARGETS, this.signed);
    const trusted = admit('targets', TARGETS, file, cached, authority, pin, this.#context);
    const marks = withMark(this.marks, { role: TARGETS, ...trusted }, authority.role);
    return new TrustedTargets(this, new Map([[TARGETS, { role: TARGETS, ...trusted }]]), marks, this.#context);
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

  /** 5.6.7: the file of `role`, judged by the keys that the already trusted `parent` gives it (S21). */
  delegate(parent: RoleName, role: RoleName, file: Uint8Array, cached?: Uint8Array): TrustedTargets {
    const delegator = this.roles.get(parent)?.signed.delegations;
    const delegation = delegator?.roles.find((candidate) => candidate.name === role);
    if (delegator === undefined || delegation === undefined) throw new Error(`${parent} does not delegate to ${role}`);
    const authority = { keys: delegator.keys, role: delegation };
    const pin = requirePin(role, this.snapshot.signed);
    const trusted = admit('targets', role, file, cached, authority, pin, this.#context);
    const added: TrustedFile<Targets> = { role, ...trusted };
    const marks = withMark(this.marks, added, delegation);
    return new TrustedTargets(this.snapshot, new Map([...this.roles, [role, added]]), marks, this.#context);
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

interface Admitted<K extends Signed['type']> {
  readonly signed: Verified<SignedOf<K>>;
  readonly file: Uint8Array;
  readonly envelope: Envelope<SignedOf<K>>;
}

/** The checks that every file but a root goes through, in the order of the specification. */
function admit<K extends Signed['type']>(
  kind: K,
  role: RoleName,
  file: Uint8Array,
  cached: Uint8Array | undefined,
  authority: Authority,
  pin: MetaFile | undefined,
  context: UpdateContext,
): Admitted<K> {
  // 5.5.2, 5.6.2: the pins of the referrer, before a byte is interpreted
  if (pin !== undefined) checkPin(role, pin, file);
  const envelope = decode(kind, role, file, context.dialect);
  // 5.4.2, 5.5.3, 5.6.3: signatures
  const signed = verifyRole(role, envelope, authority.keys, authority.role);
  const version = (signed as Signed).version;
  if (pin !== undefined) checkPinnedVersion(role, pin, version);
  // 5.4.3, 5.5.5, 5.6.4: rollback, against the recorded mark and the file trusted before (S17)
  checkRollback(role, version, file, authority.role, context.marks.get(role));
  if (cached !== undefined && !equalBytes(cached, file)) {
    checkRollback(role, version, file, authority.role, markOfCached(kind, role, cached, authority, context.dialect));
  }
  // 5.4.4, 5.5.6, 5.6.5: expiry
  const excused = context.renewing === true ? RENEWABLE : context.frozen === true ? FROZEN : [];
  if (!excused.includes(role)) checkExpiry(role, signed as Signed, context.now);
  return { signed, file, envelope };
}

/** A cached file counts as a baseline only if the role's keys of today signed it: else its version means nothing. */
function markOfCached(
  kind: Signed['type'],
  role: RoleName,
  cached: Uint8Array,
  authority: Authority,
  dialect: Dialect,
): Mark | undefined {
  try {
    const envelope = decode(kind, role, cached, dialect);
    const { version } = verifyRole(role, envelope, authority.keys, authority.role) as Signed;
    return markOf(version, authority.role, cached);
  } catch (error) {
    if (error instanceof VerificationError) return undefined;
    throw error;
  }
}

function decode<K extends Signed['type']>(
  kind: K,
  role: RoleName,
  file: Uint8Array,
  dialect: Dialect,
): Envelope<SignedOf<K>> {
  try {
    const envelope = dialect.decode(kind, file);
    if (kindOf(role) === 'targets') checkDelegationNames(role, envelope.signed as Targets);
    return envelope;
  } catch (cause) {
    if (cause instanceof MetadataError)
      throw new VerificationError('malformed', role, `${role}: ${cause.message}`, { cause });
    throw cause;
  }
}

/** A role may delegate only to its direct children, so that nobody can speak in another branch's name. */
function checkDelegationNames(role: RoleName, targets: Targets): void {
  const seen = new Set<RoleName>();
  for (const { name } of targets.delegations.roles) {
    const child = name.startsWith(`${role}/`) && !name.slice(role.length + 1).includes('/');
    if (!child || seen.has(name))
      throw new MetadataError('malformed', `delegation ${name} is repeated or no child of ${role}`);
    seen.add(name);
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

function requirePin(role: RoleName, snapshot: Snapshot): MetaFile {
  const pin = snapshot.meta.get(role);
  if (pin === undefined) throw new VerificationError('malformed', SNAPSHOT, `snapshot does not list ${role}`);
  return pin;
}

function withMark(marks: Marks, { role, signed, file }: TrustedFile<Signed>, keys: RoleKeys): Marks {
  return new Map([...marks, [role, markOf((signed as Signed).version, keys, file)]]);
}
