// SPDX-License-Identifier: Apache-2.0
import { type DownloadCode, DownloadError, type Fetcher } from '../../src/client/index.ts';
import {
  type Delegation,
  type Delegations,
  type Dialect,
  dockerTarget,
  firstRoot,
  firstTargets,
  type Gun,
  hash,
  type MetaFile,
  nextSnapshot,
  nextTimestamp,
  nextVersion,
  notaryV1,
  parentRole,
  parseGun,
  parseRoleName,
  ROOT,
  type RoleName,
  type Root,
  type Signed,
  SNAPSHOT,
  type Snapshot,
  TARGETS,
  type Targets,
  TIMESTAMP,
  type Timestamp,
  type TopLevelRole,
  tufV1,
  type Version,
  withDelegation,
  withoutTarget,
  withRoleKeys,
  withTarget,
} from '../../src/tuf/index.ts';
import { signedFile } from './signed-files.ts';
import { makeKeyFor, makeRootKey, type TestKey } from './test-keys.ts';

/** The moment at which simulated repositories are made and read, unless a test says otherwise. */
export const NOW = new Date('2026-12-01T12:00:00Z');
export const GUN = parseGun('registry.example.com/acme/app');

/** The formats that every test of the workflow runs in. */
export const DIALECTS: readonly Dialect[] = [notaryV1, tufV1];

/** A new root key: where the dialect has certificates, in one that names the GUN. */
export function makeRootKeyFor(dialect: Dialect, gun: Gun, notBefore: Date): TestKey | Promise<TestKey> {
  return dialect.name === 'notary-v1' ? makeRootKey(gun, notBefore) : makeKeyFor(dialect);
}

/** Everything that a server would serve at one moment, by file name. */
export type Published = ReadonlyMap<string, Uint8Array>;

/** What a manipulated file name answers; `undefined` is a 404. */
export type Answer = Uint8Array | undefined | DownloadCode;

/**
 * A repository in memory, with its keys, that is itself the client's Fetcher. A test reads: change it, `publish()`, let a
 * client refresh, expect. What it serves can be replaced, lost, replayed or failed file by file; `requests` tells what was
 * asked for.
 */
export class RepositorySimulator implements Fetcher {
  readonly gun: Gun;
  readonly dialect: Dialect;
  now: Date;
  readonly keys = new Map<RoleName, readonly TestKey[]>();
  /** Names of the files asked for, in order. */
  readonly requests: string[] = [];
  root: Root;
  targets = new Map<RoleName, Targets>();
  snapshot: Snapshot | undefined;
  timestamp: Timestamp | undefined;
  /** The current file of each role. */
  readonly files = new Map<RoleName, Uint8Array>();
  /** Changes the next snapshot's list before it is signed: a server that misstates. */
  snapshotTrick: (meta: Map<RoleName, MetaFile | null>) => void = () => {};
  /** Whether snapshot and timestamp state versions and no hashes, where the dialect can. */
  pinsByVersionAlone = false;
  readonly #served = new Map<string, Uint8Array>();
  readonly #answers = new Map<string, Answer>();
  readonly #dirty = new Set<RoleName>([TARGETS]);

  private constructor(gun: Gun, now: Date, keys: Readonly<Record<TopLevelRole, readonly TestKey[]>>, dialect: Dialect) {
    this.gun = gun;
    this.now = now;
    this.dialect = dialect;
    for (const role of Object.keys(keys) as TopLevelRole[]) this.keys.set(role as RoleName, keys[role]);
    const listed = (role: TopLevelRole) => keys[role].map((key) => key.listed);
    const root = firstRoot(
      {
        root: listed('root'),
        targets: listed('targets'),
        snapshot: listed('snapshot'),
        timestamp: listed('timestamp'),
      },
      now,
    );
    this.root = { ...root, consistentSnapshot: dialect.name === 'tuf-v1' };
    this.targets.set(TARGETS, firstTargets(now));
    this.#serveRoot(this.#signed(this.root, keys.root));
  }

  /** A repository whose root, targets, snapshot and timestamp are version 1, with no tag. */
  static async create(
    options: { gun?: Gun; now?: Date; rootKeys?: readonly TestKey[]; dialect?: Dialect } = {},
  ): Promise<RepositorySimulator> {
    const { gun = GUN, now = NOW, dialect = notaryV1 } = options;
    const root = options.rootKeys ?? [await makeRootKeyFor(dialect, gun, new Date(now.getTime() - 60_000))];
    const fresh = () => [makeKeyFor(dialect)];
    const keys = { root, targets: fresh(), snapshot: fresh(), timestamp: fresh() };
    return new RepositorySimulator(gun, now, keys, dialect).publish();
  }

  // -- what a publisher does ------------------------------------------------------------------------------------------

  /** Adds a tag to a role: its digest is that of `content`. */
  tag(name: string, content = name, role: RoleName | string = TARGETS): this {
    const bytes = new TextEncoder().encode(content);
    return this.edit(role, (targets) => withTarget(targets, name, dockerTarget(hash('sha256', bytes), bytes.length)));
  }

  untag(name: string, role: RoleName | string = TARGETS): this {
    return this.edit(role, (targets) => withoutTarget(targets, name));
  }

  /** Changes a targets role; its next version is signed by the next `publish`. */
  edit(name: RoleName | string, change: (targets: Targets) => Targets): this {
    const role = this.#nameOf(name);
    const current = this.targets.get(role) ?? firstTargets(this.now);
    const isNew = !this.targets.has(role) || this.#dirty.has(role);
    this.targets.set(role, change(isNew ? current : nextVersion(current, this.now)));
    this.#dirty.add(role);
    return this;
  }

  /** A name that the dialect can have. */
  #nameOf(name: RoleName | string): RoleName {
    return this.dialect.name === 'notary-v1' ? parseRoleName(name) : (name as RoleName);
  }

  /** Delegates to a role with a new key, or the given ones. The role's own file exists once it is edited. */
  delegate(
    name: RoleName | string,
    change: { keys?: readonly TestKey[]; paths?: readonly string[]; threshold?: number } = {},
  ): this {
    const role = parseRoleName(name);
    const parent = parentRole(role);
    const keys = change.keys ?? [makeKeyFor(this.dialect)];
    this.keys.set(role, keys);
    return this.edit(parent, (targets) =>
      this.#spelled(
        withDelegation({ role: parent, targets, paths: [''] }, role, {
          addKeys: keys.map((key) => key.listed),
          addPaths: change.paths ?? [''],
          ...(change.threshold === undefined ? {} : { threshold: change.threshold }),
        }),
      ),
    );
  }

  /** Prefixes as the dialect spells them: for tests whose tags have no slash, `v` is `v*`. */
  #spelled(targets: Targets): Targets {
    if (this.dialect.name === 'notary-v1') return targets;
    const { delegations } = targets;
    const roles = delegations.roles.map(({ paths, patterns = [], ...role }) => ({
      ...role,
      paths: [],
      patterns: [...patterns, ...paths.map((prefix) => `${prefix}*`)],
    }));
    return { ...targets, delegations: { ...delegations, roles } };
  }

  /** A delegation in any role to any other, as no publisher of ours would make it. */
  delegateFrom(
    parent: RoleName | string,
    delegation: Partial<Delegation> & { readonly name: RoleName },
    keys: readonly TestKey[] = [makeKeyFor(this.dialect)],
  ): this {
    const role: Delegation = { paths: [], threshold: 1, keyIds: keys.map(({ id }) => id), ...delegation };
    const signing = this.keys.get(role.name) ?? [];
    this.keys.set(role.name, [...signing, ...keys.filter((key) => !signing.includes(key))]);
    return this.delegations(parent, ({ keys: listed, roles }) => ({
      keys: new Map([...listed, ...keys.map((key) => [key.id, key.listed] as const)]),
      roles: [...roles, role],
    }));
  }

  delegations(parent: RoleName | string, change: (delegations: Delegations) => Delegations): this {
    return this.edit(parent, (targets) => ({ ...targets, delegations: change(targets.delegations) }));
  }

  /** Replaces a delegation's entry in its parent by any other, checked by nobody. */
  redelegate(name: RoleName | string, change: (delegation: Delegation) => Delegation): this {
    return this.edit(parentRole(parseRoleName(name)), (targets) => ({
      ...targets,
      delegations: {
        ...targets.delegations,
        roles: targets.delegations.roles.map((role) => (role.name === name ? change(role) : role)),
      },
    }));
  }

  /** The next root, in which `role` has exactly these keys; signed by the root keys of before and after. */
  async rotate(role: TopLevelRole, keys?: readonly TestKey[], threshold = 1): Promise<this> {
    const signers = this.keys.get(ROOT) ?? [];
    const fresh = keys ?? [
      role === 'root' ? await makeRootKeyFor(this.dialect, this.gun, this.now) : makeKeyFor(this.dialect),
    ];
    this.keys.set(role as RoleName, fresh);
    const listed = fresh.map((key) => key.listed);
    this.root = withRoleKeys(nextVersion(this.root, this.now), role, listed, threshold);
    const all = role === 'root' ? [...signers, ...fresh.filter((key) => !signers.includes(key))] : signers;
    this.#serveRoot(this.#signed(this.root, all));
    if (role === 'targets') this.edit(TARGETS, (targets) => targets);
    return this;
  }

  /** Any root as the current one, signed by any keys. */
  serveRoot(root: Root, signers: readonly TestKey[]): this {
    this.root = root;
    this.#serveRoot(this.#signed(root, signers));
    return this;
  }

  /** Lets a role's metadata expire at `date`, or continue from another version. */
  set(role: RoleName | string, change: { version?: number; expires?: Date }): this {
    const apply = <T extends Signed>(signed: T): T => ({
      ...signed,
      ...(change.version === undefined ? {} : { version: change.version as Version }),
      ...(change.expires === undefined ? {} : { expires: change.expires }),
    });
    if (role === SNAPSHOT && this.snapshot) this.snapshot = apply(this.snapshot);
    else if (role === TIMESTAMP && this.timestamp) this.timestamp = apply(this.timestamp);
    else if (role === ROOT) {
      this.root = apply(nextVersion(this.root, this.now));
      this.#serveRoot(this.#signed(this.root, this.keys.get(ROOT) ?? []));
    } else this.edit(role, apply);
    return this;
  }

  /** Signs what changed, a new snapshot over all, and a new timestamp over that; serves them. */
  publish(expires: { snapshot?: Date; timestamp?: Date } = {}): this {
    for (const role of this.#dirty) this.#put(role, this.targets.get(role) as Targets);
    this.#dirty.clear();
    const pins = [...this.files].filter(([role]) => role !== SNAPSHOT && role !== TIMESTAMP);
    const meta = new Map<RoleName, MetaFile | null>(pins.map(([role, file]) => [role, this.#pinOf(role, file)]));
    this.snapshotTrick(meta);
    this.snapshot = nextSnapshot(this.snapshot, meta, this.now);
    return this.seal(expires);
  }

  /** Signs and serves `snapshot` as it stands, and a new timestamp over it. */
  seal(expires: { snapshot?: Date; timestamp?: Date } = {}): this {
    if (this.snapshot === undefined) throw new Error('nothing was published yet');
    if (expires.snapshot) this.snapshot = { ...this.snapshot, expires: expires.snapshot };
    const file = this.#put(SNAPSHOT, this.snapshot);
    this.timestamp = nextTimestamp(this.timestamp, this.#pinOf(SNAPSHOT, file), this.now);
    if (expires.timestamp) this.timestamp = { ...this.timestamp, expires: expires.timestamp };
    this.#put(TIMESTAMP, this.timestamp);
    return this;
  }

  /** Serves any file for a role under fresh pins and signatures: what whoever holds the online keys can do. */
  substitute(role: RoleName | string, file: Uint8Array): this {
    this.put(role, file);
    if (role === TIMESTAMP) return this;
    if (role !== SNAPSHOT) return this.publish();
    this.timestamp = nextTimestamp(this.timestamp, this.#pinOf(SNAPSHOT, file), this.now);
    this.#put(TIMESTAMP, this.timestamp);
    return this;
  }

  /** Continues from the given versions: the next publish makes the one after. */
  continueFrom(versions: { snapshot?: number; timestamp?: number }): this {
    const at = (version: number | undefined) => (version === undefined ? {} : { version: version as Version });
    if (this.snapshot) this.snapshot = { ...this.snapshot, ...at(versions.snapshot) };
    if (this.timestamp) this.timestamp = { ...this.timestamp, ...at(versions.timestamp) };
    return this;
  }

  #put(role: RoleName, signed: Signed): Uint8Array {
    const file = this.#signed(signed, this.keys.get(role) ?? []);
    return this.put(role, file);
  }

  #signed(signed: Signed, keys: readonly TestKey[]): Uint8Array {
    return signedFile(signed, keys, this.dialect);
  }

  /** The pin of a file that may be no metadata at all: its role's version counts then. */
  #pinOf(role: RoleName, file: Uint8Array): MetaFile {
    try {
      const pin = this.dialect.pin(file);
      return this.pinsByVersionAlone && pin.version !== undefined ? { version: pin.version } : pin;
    } catch {
      const version = role === SNAPSHOT ? this.snapshot?.version : this.targets.get(role)?.version;
      return {
        version: version ?? (1 as Version),
        length: file.length,
        hashes: new Map([['sha256', hash('sha256', file)]]),
      };
    }
  }

  /** Serves any bytes as the current file of a role. */
  put(role: RoleName | string, file: Uint8Array): Uint8Array {
    const name = this.#nameOf(role);
    this.files.set(name, file);
    this.#served.set(this.dialect.fileName(name), file);
    this.#served.set(this.dialect.fileName(name, this.#pinOf(name, file)), file);
    return file;
  }

  #serveRoot(file: Uint8Array): void {
    this.put(ROOT, file);
    this.#served.set(`${this.root.version}.root.json`, file);
  }

  // -- what an attacker or a bad server does --------------------------------------------------------------------------

  /** What is served now, to be replayed later. */
  get served(): Published {
    return new Map(this.#served);
  }

  /** Answers a file name with other bytes, a 404 (`undefined`) or a failure. */
  answer(fileName: string, answer: Answer): this {
    this.#answers.set(fileName, answer);
    return this;
  }

  /** Serves these files as they were then. */
  replay(then: Published, ...fileNames: readonly string[]): this {
    for (const [name, file] of then)
      if (fileNames.length === 0 || fileNames.includes(name)) this.#answers.set(name, file);
    return this;
  }

  /** Ends every manipulation. */
  honest(): this {
    this.#answers.clear();
    return this;
  }

  // -- Fetcher --------------------------------------------------------------------------------------------------------

  async fetch(gun: Gun, fileName: string, maxLength: number): Promise<Uint8Array | undefined> {
    this.requests.push(fileName);
    const url = `simulator:/${gun}/${fileName}`;
    const all = this.#answers.get('*');
    const special = this.#answers.has(fileName) || all !== undefined;
    const file = special ? (this.#answers.get(fileName) ?? all) : this.#served.get(fileName);
    if (gun !== this.gun && !special) return undefined;
    if (typeof file === 'string') throw new DownloadError(file, url, `simulated ${file}`);
    if (file !== undefined && file.length > maxLength)
      throw new DownloadError('too-large', url, `more than ${maxLength} bytes`);
    return file;
  }

  /** The requests since the last call, with hashes shortened to `<hash>`. */
  takeRequests(): readonly string[] {
    return this.requests.splice(0).map((name) => name.replace(/\.[0-9a-f]{64}\./, '.<hash>.'));
  }
}
