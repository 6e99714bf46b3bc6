// SPDX-License-Identifier: Apache-2.0
import { encodeCanonicalJson, type JsonValue } from '../../src/encoding/index.ts';
import { PrivateKey, rootCertificate } from '../../src/signing/index.ts';
import {
  dockerTarget,
  expiryOf,
  firstRoot,
  firstSnapshot,
  firstTargets,
  type Gun,
  type KeyAlgorithm,
  keyId,
  nextVersion,
  notaryV1,
  type PublicKey,
  parentRole,
  parseGun,
  parseRoleName,
  ROOT,
  type RoleName,
  type Root,
  SIGNATURE_METHODS,
  type Signed,
  SNAPSHOT,
  type Snapshot,
  sha256Hex,
  signBytes,
  TARGETS,
  type Targets,
  withDelegation,
  withRoleKeys,
  withTarget,
} from '../../src/tuf/index.ts';

/** A private key, and the public key object under which metadata lists it. */
export interface TestSigner {
  readonly listed: PublicKey;
  readonly key: PrivateKey;
}

export function testSigner(algorithm: KeyAlgorithm = 'ecdsa'): TestSigner {
  const key = PrivateKey.generate(algorithm);
  return { listed: key.key, key };
}

/** A root signer: its certificate's common name is `commonName`. */
export async function testRootSigner(commonName: string, notBefore: Date, key = PrivateKey.generate()) {
  return { listed: await rootCertificate(key, commonName as Gun, notBefore), key };
}

/** The file that says `signed`, signed by all of `signers`. */
export function signFile(signed: Signed, ...signers: readonly TestSigner[]): Uint8Array {
  return signPayload(notaryV1.encodeSigned(signed), ...signers);
}

/** A file with any JSON as its body, signed as if it were right. */
export function signJson(body: JsonValue, ...signers: readonly TestSigner[]): Uint8Array {
  return signPayload(encodeCanonicalJson(body), ...signers);
}

function signPayload(signedBytes: Uint8Array, ...signers: readonly TestSigner[]): Uint8Array {
  const signatures = signers.map(({ listed, key }) => ({
    keyId: keyId(listed),
    method: SIGNATURE_METHODS[key.algorithm],
    bytes: signBytes(key.algorithm, key.object, signedBytes),
  }));
  return notaryV1.encode({ signedBytes, signatures });
}

export interface BuilderOptions {
  readonly gun?: string;
  readonly now: Date;
  /** The server's timestamp key. */
  readonly timestampKey: PublicKey;
  /** The server's snapshot key; without it the publisher holds one. */
  readonly snapshotKey?: PublicKey;
}

/** Name and bytes of the files of one update. */
export type Files = Map<string, Uint8Array>;

/**
 * A publisher's repository in memory. Tests change `root`, `targets` and `delegations` as they like, and take the files
 * of an update signed with keys that they may change too.
 */
export class RepositoryBuilder {
  readonly gun: Gun;
  now: Date;
  signers: { root: TestSigner; targets: TestSigner; snapshot: TestSigner };
  readonly delegationSigners = new Map<RoleName, TestSigner>();
  root: Root;
  targets: Targets;
  snapshot: Snapshot | undefined;
  readonly delegations = new Map<RoleName, Targets>();
  readonly #clientSnapshot: boolean;

  private constructor(gun: Gun, options: BuilderOptions, root: TestSigner) {
    this.gun = gun;
    this.now = options.now;
    this.signers = { root, targets: testSigner(), snapshot: testSigner() };
    this.#clientSnapshot = options.snapshotKey === undefined;
    this.root = firstRoot(
      {
        root: [root.listed],
        targets: [this.signers.targets.listed],
        snapshot: [options.snapshotKey ?? this.signers.snapshot.listed],
        timestamp: [options.timestampKey],
      },
      options.now,
    );
    this.targets = firstTargets(options.now);
  }

  static async create(options: BuilderOptions): Promise<RepositoryBuilder> {
    const gun = parseGun(options.gun ?? 'example.com/app');
    return new RepositoryBuilder(gun, options, await testRootSigner(gun, options.now));
  }

  /** Adds a target of some content to `role`. */
  addTarget(path: string, content = path, role: RoleName = TARGETS): this {
    const file = dockerTarget(new Uint8Array(Buffer.from(sha256Hex(Buffer.from(content)), 'hex')), content.length);
    if (role === TARGETS) this.targets = withTarget(this.targets, path, file);
    else this.delegations.set(role, withTarget(this.#delegation(role), path, file));
    return this;
  }

  /** Adds a delegation with a new key and every path; its first file is empty. */
  delegate(name: string): RoleName {
    const role = parseRoleName(name);
    const signer = testSigner();
    const parent = parentRole(role);
    const targets = parent === TARGETS ? this.targets : this.#delegation(parent);
    const changed = withDelegation({ role: parent, targets, paths: [''] }, role, {
      addKeys: [signer.listed],
      addPaths: [''],
    });
    if (parent === TARGETS) this.targets = changed;
    else this.delegations.set(parent, changed);
    this.delegationSigners.set(role, signer);
    this.delegations.set(role, firstTargets(this.now));
    return role;
  }

  /** One version on for `role`, with a fresh expiry. */
  bump(...roles: readonly string[]): this {
    for (const role of roles) {
      if (role === ROOT) this.root = nextVersion(this.root, this.now);
      else if (role === TARGETS) this.targets = nextVersion(this.targets, this.now);
      else this.delegations.set(parseRoleName(role), nextVersion(this.#delegation(parseRoleName(role)), this.now));
    }
    return this;
  }

  /** Root keys changed as a publisher does: signed by `signers.root` as it was and as it is now. */
  async rotateRoot(): Promise<Files> {
    const old = this.signers.root;
    this.signers.root = await testRootSigner(this.gun, this.now);
    this.root = nextVersion(withRoleKeys(this.root, 'root', [this.signers.root.listed]), this.now);
    return this.#withSnapshot(new Map([[ROOT, signFile(this.root, old, this.signers.root)]]));
  }

  /** The files of an update of these roles, with a snapshot where the publisher makes it. */
  update(...roles: readonly string[]): Files {
    return this.#withSnapshot(new Map(roles.map((role) => [role, this.file(role)])));
  }

  /** As {@link update}, for everything there is. */
  all(): Files {
    return this.update(ROOT, TARGETS, ...this.delegations.keys());
  }

  file(role: string): Uint8Array {
    if (role === ROOT) return signFile(this.root, this.signers.root);
    if (role === TARGETS) return signFile(this.targets, this.signers.targets);
    const name = parseRoleName(role);
    const signer = this.delegationSigners.get(name);
    if (signer === undefined) throw new Error(`no signer of ${role}`);
    return signFile(this.#delegation(name), signer);
  }

  #withSnapshot(files: Files): Files {
    if (!this.#clientSnapshot) return files;
    const meta = new Map(this.snapshot?.meta);
    for (const [role, bytes] of files) meta.set(parseRoleName(role), notaryV1.pin(bytes));
    this.snapshot =
      this.snapshot === undefined
        ? firstSnapshot(meta, this.now)
        : { ...nextVersion(this.snapshot, this.now), meta, expires: expiryOf('snapshot', this.now) };
    return files.set(SNAPSHOT, signFile(this.snapshot, this.signers.snapshot));
  }

  #delegation(role: RoleName): Targets {
    return this.delegations.get(role) ?? firstTargets(this.now);
  }
}
