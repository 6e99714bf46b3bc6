// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { canonicalText, encodeHex, equalBytes, type JsonValue } from '../../src/encoding/index.ts';
import {
  countSignatures,
  findTarget,
  kindOf,
  listTargets,
  notaryV1,
  parentRole,
  type RoleName,
  sha256Hex,
  TrustedRoot,
  type TrustedTargets,
  type UpdateContext,
  walk,
} from '../../src/tuf/index.ts';
import { readVectorJson, VECTOR_NOW, type VectorRepository, vectorRepositories } from '../support/vectors.ts';

const acceptAll = { admits: () => true };

/** Runs the whole update over a repository's current files, as a fresh client would. */
function update({ gun, expected, file, files }: VectorRepository): TrustedTargets {
  const context: UpdateContext = { dialect: notaryV1, gun, now: VECTOR_NOW, marks: new Map() };
  const current = (role: string) => {
    const version = expected.current[role];
    return version === undefined ? undefined : file(role, version);
  };
  const root = TrustedRoot.bootstrap(current('root') as Uint8Array, context, acceptAll);
  const bySnapshot = (role: RoleName, pins: ReadonlyMap<RoleName, { hashes?: ReadonlyMap<string, Uint8Array> }>) => {
    const sha256 = encodeHex(pins.get(role)?.hashes?.get('sha256') ?? new Uint8Array());
    return files.find((candidate) => candidate.role === role && sha256Hex(candidate.bytes) === sha256)?.bytes;
  };
  const snapshot = root
    .updateTimestamp(current('timestamp') as Uint8Array)
    .updateSnapshot(current('snapshot') as Uint8Array);
  let targets = snapshot.updateTargets(current('targets') as Uint8Array);
  const queue = targets.roles.get('targets' as RoleName)?.signed.delegations.roles.map(({ name }) => name) ?? [];
  for (let role = queue.shift(); role !== undefined; role = queue.shift()) {
    const bytes = bySnapshot(role, snapshot.signed.meta);
    if (bytes === undefined) continue;
    try {
      targets = targets.delegate(parentRole(role), role, bytes);
    } catch {
      continue; // judged below: the originals pass such a role over as well
    }
    queue.unshift(...(targets.roles.get(role)?.signed.delegations.roles.map(({ name }) => name) ?? []));
  }
  return targets;
}

for (const repository of vectorRepositories()) {
  describe(`recorded repository ${repository.name}`, () => {
    test('every file decodes, encodes to the same bytes and is in canonical form', () => {
      for (const { role, version, bytes } of repository.files) {
        const envelope = notaryV1.decode(kindOf(role), bytes);
        expect(envelope.signed.version as number).toBe(version);
        expect(equalBytes(notaryV1.encode(envelope), bytes)).toBe(true);
        notaryV1.decodeCanonical(kindOf(role), bytes);
      }
    });

    test('a fresh client trusts the current state and finds what the original lists', () => {
      const targets = update(repository);
      const order = repository.expected.docker_trust_inspect ? ['targets/releases', 'targets'] : ['targets'];
      const listed = listTargets(targets.roles);
      if (repository.expected.notary_list !== null) {
        const ours = Object.fromEntries(
          [...listed.values()].map(({ path, role, target }) => [
            path,
            {
              sha256: encodeHex(target.hashes.get('sha256') ?? new Uint8Array()),
              length: target.length,
              role: role as string,
            },
          ]),
        );
        expect(ours).toEqual(repository.expected.notary_list);
      } else {
        expect(listed.size).toBe(2001);
      }
      for (const [path] of listed) {
        const found = findTarget(targets.roles, path, order as RoleName[]);
        expect(found?.path).toBe(path);
      }
    });

    test('each loaded role holds the targets that the original signed', () => {
      const targets = update(repository);
      for (const { role, targets: signed } of walk(targets.roles)) {
        const expected = repository.expected.signed_targets_by_role?.[role];
        if (expected === undefined) continue;
        const ours = [...signed.targets].map(([path, { hashes, length, custom }]) => [
          path,
          {
            length,
            ...Object.fromEntries([...hashes].map(([name, bytes]) => [name, encodeHex(bytes)])),
            ...(custom === undefined ? {} : { custom: plain(custom) }),
          },
        ]);
        expect(Object.fromEntries(ours)).toEqual(expected as object);
        expect(ours.length).toBe(Object.keys(expected).length);
      }
    });
  });
}

describe('recorded root rotations', () => {
  test('a client that holds root 1 follows the chain to root 7', () => {
    const repository = vectorRepositories().find(({ name }) => name === 'e-notary-rotations') as VectorRepository;
    const context: UpdateContext = { dialect: notaryV1, gun: repository.gun, now: VECTOR_NOW, marks: new Map() };
    let root = TrustedRoot.load(repository.file('root', 1), context);
    for (let version = 2; version <= 7; version++) root = root.updateRoot(repository.file('root', version));
    root.assertCurrent();
    expect(root.signed.version as number).toBe(7);
  });

  test('S18 a root that skips a version is refused', () => {
    const repository = vectorRepositories().find(({ name }) => name === 'e-notary-rotations') as VectorRepository;
    const context: UpdateContext = { dialect: notaryV1, gun: repository.gun, now: VECTOR_NOW, marks: new Map() };
    const root = TrustedRoot.load(repository.file('root', 1), context);
    expect(() => root.updateRoot(repository.file('root', 3))).toThrow(expect.objectContaining({ code: 'root-chain' }));
  });
});

describe('recorded signatures', () => {
  test('each is judged as the independent implementation judged it', () => {
    const repositories = new Map(vectorRepositories().map((repository) => [repository.name, repository]));
    let judged = 0;
    for (const entry of readVectorJson('canonical/signatures.json').files) {
      const [, name, file] = /^repos\/([^/]+)\/metadata\/(.+)$/.exec(entry.file) as unknown as [string, string, string];
      const [, encoded, version] = /^(.+)\.(\d+)\.json/.exec(file) as unknown as [string, string, string];
      const role = encoded.replaceAll('__', '/') as RoleName;
      const repository = repositories.get(name) as VectorRepository;
      const envelope = notaryV1.decode(kindOf(role), repository.file(role, Number(version)));
      expect(sha256Hex(envelope.signedBytes)).toBe(entry.canonical_sha256);
      expect(envelope.signedBytes.length).toBe(entry.canonical_length);
      for (const expected of entry.signatures) {
        const keys = allKeys(repository);
        const { signed } = countSignatures(
          { ...envelope, signatures: envelope.signatures.filter(({ keyId }) => keyId === expected.keyid) },
          keys,
          {
            keyIds: [expected.keyid],
            threshold: 1,
          },
        );
        expect({ file: entry.file, valid: signed.length === 1 }).toEqual({ file: entry.file, valid: expected.valid });
        judged++;
      }
    }
    expect(judged).toBeGreaterThan(200);
  });
});

/** Recorded JSON in JavaScript's own objects. */
function plain(custom: JsonValue): unknown {
  return JSON.parse(canonicalText(custom));
}

function allKeys(repository: VectorRepository) {
  const keys = new Map();
  for (const { role, bytes } of repository.files) {
    const { signed } = notaryV1.decode(kindOf(role), bytes);
    const listed = signed.type === 'root' ? signed.keys : signed.type === 'targets' ? signed.delegations.keys : [];
    for (const [id, key] of listed) keys.set(id, key);
  }
  return keys;
}
