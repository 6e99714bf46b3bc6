// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { TestClient, versionsOf } from '../../test/support/client.ts';
import { NOW, type Published, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { ROOT, type TopLevelRole, VerificationError } from '../tuf/index.ts';
import { DownloadError } from './errors.ts';

const A = 'targets/a';
const ROLES = ['timestamp', 'snapshot', 'targets', A];
const FILES = ['timestamp.json', 'snapshot.json', 'targets.json', 'root.json', `${A}.json`];

/** One step of a history: what the publisher does, or how the server answers the next refresh. */
type Step =
  | { readonly kind: 'publish'; readonly role: string }
  | { readonly kind: 'rotate'; readonly role: TopLevelRole }
  | { readonly kind: 'delete-cache' }
  | { readonly kind: 'refresh' }
  | { readonly kind: 'replay'; readonly state: number; readonly files: readonly string[] }
  | { readonly kind: 'swap'; readonly state: number; readonly as: string; readonly from: string }
  | { readonly kind: 'cut'; readonly file: string; readonly at: number }
  | { readonly kind: 'flip'; readonly file: string; readonly at: number }
  | { readonly kind: 'fail'; readonly file: string; readonly how: 'unreachable' | 'timeout' | undefined };

const file = fc.constantFrom(...FILES);
const honest: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('publish' as const), role: fc.constantFrom('targets', A) }),
  fc.record({
    kind: fc.constant('rotate' as const),
    role: fc.constantFrom<TopLevelRole>('root', 'timestamp', 'snapshot', 'targets'),
  }),
  fc.constant({ kind: 'refresh' as const }),
  fc.constant({ kind: 'delete-cache' as const }),
);
const malicious: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('replay' as const), state: fc.nat(), files: fc.subarray(FILES) }),
  fc.record({ kind: fc.constant('swap' as const), state: fc.nat(), as: file, from: file }),
  fc.record({ kind: fc.constant('cut' as const), file, at: fc.nat(4000) }),
  fc.record({ kind: fc.constant('flip' as const), file, at: fc.nat(4000) }),
  fc.record({
    kind: fc.constant('fail' as const),
    file,
    how: fc.constantFrom('unreachable' as const, 'timeout' as const, undefined),
  }),
);
const history = fc.array(fc.oneof({ arbitrary: honest, weight: 3 }, { arbitrary: malicious, weight: 2 }), {
  minLength: 4,
  maxLength: 14,
});

/** Answers every name under which the role's current file is served: the plain one, and the one by hash or version. */
function answerCurrent(
  repository: RepositorySimulator,
  name: string,
  change: (file: Uint8Array) => Uint8Array | 'unreachable' | 'timeout' | undefined,
): void {
  const served = repository.served;
  const current = served.get(name);
  if (current === undefined) return;
  for (const [other, bytes] of served) if (bytes === current) repository.answer(other, change(current));
}

function misbehave(repository: RepositorySimulator, states: readonly Published[], step: Step): void {
  if (step.kind === 'replay') {
    const then = states[step.state % states.length] as Published;
    repository.replay(then, ...(step.files.length === 0 ? FILES : step.files));
  } else if (step.kind === 'swap') {
    const other = states[step.state % states.length]?.get(step.from);
    answerCurrent(repository, step.as, () => other);
  } else if (step.kind === 'cut') {
    answerCurrent(repository, step.file, (bytes) => bytes.subarray(0, step.at % bytes.length));
  } else if (step.kind === 'flip') {
    answerCurrent(repository, step.file, (bytes) => {
      const at = step.at % bytes.length;
      return bytes.with(at, (bytes[at] as number) ^ 1);
    });
  } else if (step.kind === 'fail') {
    answerCurrent(repository, step.file, () => step.how);
  }
}

/** The versions of every role, with the keys that the role had when it was trusted. */
async function trustedBy(client: TestClient) {
  const repository = await client.refresh();
  const { timestamp } = repository.targets.snapshot;
  const keys = (role: string) =>
    role === A
      ? (repository.targets.roles.get('targets' as never)?.signed.delegations.roles[0]?.keyIds ?? [])
      : (timestamp.root.signed.roles.get(role as TopLevelRole)?.keyIds ?? []);
  return {
    versions: versionsOf(repository),
    keys: new Map([ROOT, ...ROLES].map((role) => [role as string, keys(role).join()])),
  };
}

type Trusted = Awaited<ReturnType<typeof trustedBy>>;

/** Property 2: no role goes back, unless a root that the client trusts rotated its key. */
function expectNotOlder(now: Trusted, before: Trusted | undefined): void {
  if (before === undefined) return;
  for (const [role, version] of Object.entries(before.versions)) {
    if (role !== 'root' && now.keys.get(role) !== before.keys.get(role)) continue;
    expect({
      role,
      version: now.versions[role] ?? 0,
      atLeast: version,
      ok: (now.versions[role] ?? 0) >= version,
    }).toMatchObject({ ok: true });
  }
}

test('property 2: whatever a server answers, a refresh trusts a state that was published, never an older one, or leaves everything as it was', async () => {
  await fc.assert(
    fc.asyncProperty(history, async (steps) => {
      const repository = (await RepositorySimulator.create()).delegate(A).tag('v0', 'zero', A).publish();
      const client = new TestClient(repository);
      const states: Published[] = [repository.served];
      const published = new Set([repository.timestamp?.version as number]);
      let last: Trusted | undefined;

      const refresh = async (isHonest: boolean) => {
        const before = client.trusted(...ROLES);
        try {
          const now = await trustedBy(client);
          expectNotOlder(now, last);
          expect(published.has(now.versions.timestamp ?? 0)).toBe(true);
          if (isHonest)
            expect(now.versions).toMatchObject({
              root: repository.root.version,
              timestamp: repository.timestamp?.version as number,
            });
          last = now;
        } catch (error) {
          if (!(error instanceof VerificationError) && !(error instanceof DownloadError)) throw error;
          if (isHonest) throw new Error('an honest server was refused', { cause: error });
          expect(client.trusted(...ROLES)).toEqual(before);
        }
      };

      for (const [index, step] of steps.entries()) {
        if (step.kind === 'publish') repository.tag(`v${index}`, `content ${index}`, step.role).publish();
        else if (step.kind === 'rotate') (await repository.rotate(step.role)).publish();
        else if (step.kind === 'delete-cache') client.cache.remove(repository.gun);
        else if (step.kind === 'refresh') await refresh(true);
        else {
          misbehave(repository, states, step);
          await refresh(false);
          repository.honest();
        }
        states.push(repository.served);
        published.add(repository.timestamp?.version as number);
      }
      await refresh(true);
      expect(repository.now).toEqual(NOW);
    }),
    { numRuns: 60 },
  );
}, 60_000);
