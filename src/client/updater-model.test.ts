// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { DIALECTS, NOW, type Published, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { NotaryUser, type TestUser, TufUser, userOf } from '../../test/support/users.ts';
import { equalBytes } from '../encoding/index.ts';
import {
  ROOT,
  type RoleName,
  type Root,
  TARGETS,
  type Targets,
  type TopLevelRole,
  VerificationError,
} from '../tuf/index.ts';
import { DownloadError } from './errors.ts';

const A = 'targets/a';
const ROLES = ['timestamp', 'snapshot', 'targets', A];
const FILES = [...ROLES, 'root'];

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
  role: string,
  change: (file: Uint8Array) => Uint8Array | 'unreachable' | 'timeout' | undefined,
): void {
  const served = repository.served;
  const current = repository.files.get(role as RoleName);
  if (current === undefined) return;
  for (const [other, bytes] of served) if (bytes === current) repository.answer(other, change(current));
}

function misbehave(repository: RepositorySimulator, states: readonly Published[], step: Step): void {
  const nameOf = (role: string) => repository.dialect.fileName(role as RoleName);
  if (step.kind === 'replay') {
    const then = states[step.state % states.length] as Published;
    const roles = step.files.length === 0 ? FILES : step.files;
    for (const role of roles) answerCurrent(repository, role, () => then.get(nameOf(role)));
    repository.replay(then, ...roles.map(nameOf));
  } else if (step.kind === 'swap') {
    const other = states[step.state % states.length]?.get(nameOf(step.from));
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

/** What a user trusts now: of every role the version, and the keys that it has. */
interface Trusted {
  readonly versions: Readonly<Record<string, number>>;
  readonly keys: ReadonlyMap<string, string>;
}

function trustedNow({ dialect }: RepositorySimulator, user: TestUser): Trusted {
  const read = <T>(role: string, empty: T) => {
    const file = user.file(role);
    return file === undefined ? empty : (dialect.decode(role as TopLevelRole, file).signed as T);
  };
  const root = read<Pick<Root, 'roles'>>(ROOT, { roles: new Map() });
  const delegations = read<Pick<Targets, 'delegations'>>(TARGETS, { delegations: { keys: new Map(), roles: [] } });
  const keysOf = (role: string) =>
    role === A ? delegations.delegations.roles[0]?.keyIds : root.roles.get(role as TopLevelRole)?.keyIds;
  return {
    versions: user.versions(ROOT, ...ROLES),
    keys: new Map([ROOT, ...ROLES].map((role) => [role as string, (keysOf(role) ?? []).join()])),
  };
}

/** Whose keys decide whether a role may start anew: its own, and where a snapshot states its version, the snapshot's. */
function governors(repository: RepositorySimulator, role: string): readonly string[] {
  const byVersion = repository.dialect.name === 'tuf-v1' && (role === 'targets' || role === A);
  return byVersion ? [role, 'snapshot'] : [role];
}

/** Property 2: no role goes back, unless a root that the client trusts rotated the key concerned. */
function expectNotOlder(repository: RepositorySimulator, now: Trusted, before: Trusted | undefined): void {
  if (before === undefined) return;
  for (const [role, version] of Object.entries(before.versions)) {
    const isNew = governors(repository, role).some((name) => now.keys.get(name) !== before.keys.get(name));
    if (role !== 'root' && isNew) continue;
    const actual = now.versions[role] ?? 0;
    expect({ role, version: actual, atLeast: version, ok: actual >= version }).toMatchObject({ ok: true });
  }
}

/** Property 6, S19: each file that is kept is one that was published once, as it was. */
function expectGenuine(user: TestUser, states: readonly Published[]): void {
  for (const role of [ROOT, ...ROLES]) {
    const file = user.file(role);
    const isGenuine =
      file === undefined || states.some((state) => [...state.values()].some((other) => equalBytes(other, file)));
    expect({ role, isGenuine }).toEqual({ role, isGenuine: true });
  }
}

/** One user's life with one repository. */
class History {
  readonly repository: RepositorySimulator;
  readonly states: Published[] = [];
  readonly #published = new Set<number>();
  #user: TestUser;
  #last: Trusted | undefined;

  constructor(repository: RepositorySimulator) {
    this.repository = repository;
    this.#user = userOf(repository);
    this.note();
  }

  note(): void {
    this.states.push(this.repository.served);
    this.#published.add(this.repository.timestamp?.version as number);
  }

  /** A client of Notary's dialect remembers without its cache; to the other, it is a first use. */
  loseCache(): void {
    if (this.#user instanceof NotaryUser) this.#user.client.cache.remove(this.repository.gun);
    else {
      this.#user = userOf(this.repository);
      this.#last = undefined;
    }
  }

  async refresh(isHonest: boolean): Promise<void> {
    const { repository } = this;
    const files = () => ROLES.map((role) => this.#user.file(role));
    const before = files();
    try {
      // a path that every role may sign: all of them are asked for
      await this.#user.lookup('a path that nobody signs');
    } catch (error) {
      if (!(error instanceof VerificationError) && !(error instanceof DownloadError)) throw error;
      if (isHonest) throw new Error('an honest server was refused', { cause: error });
      // one dialect keeps nothing of an update that fails, the other what was trusted until then
      if (this.#user instanceof TufUser) this.#settle();
      else expect(files()).toEqual(before);
      return;
    }
    const { versions } = this.#settle();
    expect(this.#published.has(versions.timestamp ?? 0)).toBe(true);
    const newest = { root: repository.root.version as number, timestamp: repository.timestamp?.version as number };
    if (isHonest) expect(versions).toMatchObject(newest);
  }

  #settle(): Trusted {
    const now = trustedNow(this.repository, this.#user);
    expectNotOlder(this.repository, now, this.#last);
    expectGenuine(this.#user, this.states);
    this.#last = now;
    return now;
  }
}

for (const dialect of DIALECTS)
  test(`property 2, ${dialect.name}: whatever a server answers, what is trusted was published, is never older than before, and an honest server is never refused`, async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const repository = (await RepositorySimulator.create({ dialect })).delegate(A).tag('v0', 'zero', A).publish();
        const life = new History(repository);
        for (const [index, step] of steps.entries()) {
          if (step.kind === 'publish') repository.tag(`v${index}`, `content ${index}`, step.role as RoleName).publish();
          else if (step.kind === 'rotate') (await repository.rotate(step.role)).publish();
          else if (step.kind === 'delete-cache') life.loseCache();
          else if (step.kind === 'refresh') await life.refresh(true);
          else {
            misbehave(repository, life.states, step);
            await life.refresh(false);
            repository.honest();
          }
          life.note();
        }
        await life.refresh(true);
        expect(repository.now).toEqual(NOW);
      }),
      { numRuns: 60 },
    );
  }, 60_000);
