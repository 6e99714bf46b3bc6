// SPDX-License-Identifier: Apache-2.0
import { decodeHex } from '../encoding/index.ts';
import { PrivateKey } from '../signing/index.ts';
import type { ServiceKeys } from '../signing/service-keys/index.ts';
import {
  canonicalKeyId,
  dockerTarget,
  type Gun,
  keyId,
  type MetaFile,
  nextSnapshot,
  nextTimestamp,
  nextVersion,
  notaryV1,
  type PublicKey,
  parseGun,
  type Root,
  SIGNATURE_METHODS,
  type Signed,
  sha256Hex,
  TARGETS,
  type TopLevelRole,
  verifyingKey,
  withTarget,
} from '../tuf/index.ts';

type Fetch = (request: Request) => Promise<Response>;

/** A repository's files at one moment, as anybody can fetch them. */
interface Recording {
  readonly root: Uint8Array;
  readonly timestamp: Uint8Array;
  readonly snapshot: Uint8Array;
  readonly targets: Uint8Array;
}

/**
 * Mallory: stands between users and servers and changes what passes; later the trust server itself is his, with its
 * signing keys. What he cannot have is what the publishers keep.
 */
export class Attacker {
  readonly #server: Fetch;
  readonly #images: Fetch;
  readonly #keys: ServiceKeys;
  readonly #now: () => Date;
  readonly #recorded = new Map<string, Recording>();
  /** What is answered in place of the truth, by path. */
  readonly #forged = new Map<string, Uint8Array>();
  #tampered: string | undefined;

  constructor(options: { server: Fetch; images: Fetch; keys: ServiceKeys; now: () => Date }) {
    this.#server = options.server;
    this.#images = options.images;
    this.#keys = options.keys;
    this.#now = options.now;
  }

  /** The trust server as its users see it. */
  readonly trust: Fetch = async (request) => {
    const forged = this.#forged.get(new URL(request.url).pathname);
    return forged === undefined ? this.#server(request) : new Response(new Uint8Array(forged));
  };

  /** The registry as its users see it. */
  readonly registry: Fetch = async (request) => {
    const response = await this.#images(request);
    if (this.#tampered === undefined || !request.url.endsWith(`/manifests/${this.#tampered}`) || !response.ok)
      return response;
    const bytes = new Uint8Array(await response.arrayBuffer());
    // white space changes no meaning, and the digest all the same
    if (bytes.length > 1) bytes[bytes.length - 1] = 0x20;
    return new Response(bytes, { status: response.status, headers: response.headers });
  };

  /** From now on the registry serves other bytes under that digest. */
  tamper(digest: string): void {
    this.#tampered = digest;
  }

  /** Keeps what the server serves of a repository now. */
  async record(name: string): Promise<void> {
    const gun = parseGun(name);
    const timestamp = await this.#get(gun, 'timestamp.json');
    const snapshot = await this.#get(gun, 'snapshot.json');
    const [root, targets] = [await this.#get(gun, 'root.json'), await this.#get(gun, 'targets.json')];
    this.#recorded.set(name, { root, timestamp, snapshot, targets });
  }

  /** Serves the recorded timestamp in place of the current one. */
  replay(name: string): void {
    this.#forge(parseGun(name), 'timestamp.json', this.#recording(name).timestamp);
  }

  /** Serves the recorded targets under the name of the current ones. */
  async mix(name: string): Promise<void> {
    const current = await this.#get(parseGun(name), 'targets.json');
    this.#forge(parseGun(name), notaryV1.fileName(TARGETS, notaryV1.pin(current)), this.#recording(name).targets);
  }

  /** With the server's own keys: a new snapshot and timestamp, newer than all, over the recorded targets. */
  async rollBackWithServerKeys(name: string): Promise<void> {
    const gun = parseGun(name);
    const { root, targets } = this.#recording(name);
    await this.#sealAnew(gun, notaryV1.decode('root', root).signed, notaryV1.pin(targets));
  }

  /** The same over targets in which a tag means what he likes, signed with a key of his own. */
  async forgeTag(name: string, tag: string, digest: string): Promise<void> {
    const gun = parseGun(name);
    const recording = this.#recording(name);
    const recorded = notaryV1.decode('targets', recording.targets).signed;
    const meant = dockerTarget(decodeHex(digest.replace('sha256:', '')), 1000);
    const forged = nextVersion(withTarget(recorded, tag, meant), this.#now());
    const key = PrivateKey.generate();
    const signedBytes = notaryV1.encodeSigned(forged);
    const signature = {
      keyId: keyId(key.key),
      method: SIGNATURE_METHODS[key.algorithm],
      bytes: await key.sign(signedBytes),
    };
    const targets = notaryV1.encode({ signedBytes, signatures: [signature] });
    this.#forge(gun, notaryV1.fileName(TARGETS, notaryV1.pin(targets)), targets);
    await this.#sealAnew(gun, notaryV1.decode('root', recording.root).signed, notaryV1.pin(targets));
  }

  /** Ends all that he does to what passes; what he stole stays his. */
  behave(): void {
    this.#tampered = undefined;
    this.#forged.clear();
  }

  async #sealAnew(gun: Gun, root: Root, targets: MetaFile): Promise<void> {
    const now = this.#now();
    const before = notaryV1.decode('snapshot', await this.#get(gun, 'snapshot.json')).signed;
    const snapshot = await this.#sign(root, 'snapshot', nextSnapshot(before, new Map([[TARGETS, targets]]), now));
    const last = notaryV1.decode('timestamp', await this.#get(gun, 'timestamp.json')).signed;
    const timestamp = await this.#sign(root, 'timestamp', nextTimestamp(last, notaryV1.pin(snapshot), now));
    this.#forge(gun, `snapshot.${sha256Hex(snapshot)}.json`, snapshot);
    this.#forge(gun, 'timestamp.json', timestamp);
  }

  /** Signs with the keys that the recorded root names, as far as the server holds them. */
  async #sign(root: Root, role: TopLevelRole, signed: Signed): Promise<Uint8Array> {
    const signedBytes = notaryV1.encodeSigned(signed);
    const ids = root.roles.get(role)?.keyIds ?? [];
    const keys = ids.map((id) => root.keys.get(id)).filter((key): key is PublicKey => key !== undefined);
    const signatures = [];
    for (const key of keys) {
      const signer = await this.#keys.signer(canonicalKeyId(key));
      if (signer === undefined) throw new Error(`the ${role} key is not the server's`);
      const method = SIGNATURE_METHODS[verifyingKey(key).algorithm];
      signatures.push({ keyId: keyId(key), method, bytes: await signer.sign(signedBytes) });
    }
    return notaryV1.encode({ signedBytes, signatures });
  }

  #recording(name: string): Recording {
    const recording = this.#recorded.get(name);
    if (recording === undefined) throw new Error(`nothing was recorded of ${name}`);
    return recording;
  }

  async #get(gun: Gun, file: string): Promise<Uint8Array> {
    const response = await this.#server(new Request(`http://localhost${pathOf(gun, file)}`));
    if (!response.ok) throw new Error(`${gun} has no ${file}`);
    return response.bytes();
  }

  #forge(gun: Gun, file: string, bytes: Uint8Array): void {
    this.#forged.set(pathOf(gun, file), bytes);
  }
}

function pathOf(gun: Gun, file: string): string {
  return `/v2/${gun}/_trust/tuf/${file}`;
}
