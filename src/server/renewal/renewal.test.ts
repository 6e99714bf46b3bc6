// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { TrustStage } from '../../../test/support/trust-stage.ts';
import { type Coordination, MemoryCoordination } from '../../service/coordination/index.ts';
import { SILENT_LOG } from '../../service/index.ts';
import { MemoryServiceKeys } from '../../signing/service-keys/index.ts';
import type { RoleName } from '../../tuf/index.ts';
import { CachedStorage, MemoryStorage } from '../index.ts';
import type { BackfillRequest, ExpiryQuery } from '../storage/index.ts';
import { ExpiryNotices, Renewer } from './index.ts';
import type { RenewerOptions } from './renewer.ts';

const DAY = 86_400_000;
const SIGNAL = new AbortController().signal;

/** Several replicas over one storage and one set of keys, with one clock. */
class Fleet {
  readonly storage = new MemoryStorage();
  readonly keys = new MemoryServiceKeys();
  readonly first: TrustStage;
  readonly outcomes: string[] = [];
  readonly #stages: TrustStage[] = [];

  constructor() {
    this.first = this.#stage();
  }

  #stage(): TrustStage {
    const stage = new TrustStage({ storage: new CachedStorage(this.storage), keys: this.keys });
    this.#stages.push(stage);
    return stage;
  }

  get now(): Date {
    return this.first.now;
  }

  wait(milliseconds: number): void {
    const now = new Date(this.first.now.getTime() + milliseconds);
    for (const stage of this.#stages) stage.now = now;
  }

  renewer(holder: string, coordination: Coordination, options: Partial<RenewerOptions> = {}): Renewer {
    const stage = this.#stage();
    stage.now = this.first.now;
    return new Renewer({
      storage: this.storage,
      refresher: stage.server.refresher,
      coordination,
      holder,
      leads: { timestamp: 4 * DAY, snapshot: 30 * DAY },
      perSecond: 20,
      clock: () => stage.now,
      log: SILENT_LOG,
      count: (role, outcome) => void this.outcomes.push(`${role} ${outcome}`),
      wait: async () => {},
      ...options,
    });
  }

  notices(holder = 'one', coordination: Coordination = new MemoryCoordination()): ExpiryNotices {
    const options = { storage: this.storage, keys: this.keys, coordination, holder, lead: 30 * DAY, log: SILENT_LOG };
    return new ExpiryNotices({ ...options, clock: () => this.now });
  }

  /** Versions in storage itself: asking the server would renew them. */
  async versions(gun: string, ...roles: readonly string[]): Promise<readonly (number | undefined)[]> {
    const files = roles.map((role) => this.storage.latest(gun as never, role as RoleName));
    return (await Promise.all(files)).map((file) => file?.version);
  }

  async audited(action: string) {
    return (await this.storage.audit({ limit: 1000 })).filter((entry) => entry.action === action);
  }
}

const GUNS = ['example.com/a', 'example.com/b', 'example.com/c'];

async function fleet() {
  const made = new Fleet();
  for (const gun of GUNS) await made.first.published(gun);
  return made;
}

describe('renewal ahead of time', () => {
  test('signs a timestamp four days before it expires, and nothing before that', async () => {
    const made = await fleet();
    const renewer = made.renewer('one', new MemoryCoordination());
    made.wait(9.9 * DAY);
    await renewer.step(SIGNAL);
    expect(await made.versions('example.com/a', 'timestamp')).toEqual([1]);
    made.wait(0.2 * DAY);
    await renewer.step(SIGNAL);

    for (const gun of GUNS) expect(await made.versions(gun, 'snapshot', 'timestamp')).toEqual([1, 2]);
    expect(await made.audited('renew')).toMatchObject(GUNS.map((gun) => ({ gun, actor: { name: 'server' } })));
    expect((await made.first.get('example.com/a', 'timestamp.json')).status).toBe(200);
  });

  test('while a database is being gone through, the next piece comes at once', async () => {
    const made = await fleet();
    const pieces = [false, true].map((isComplete) => ({ recorded: 0, isComplete }));
    const storage = {
      expiring: (query: ExpiryQuery) => made.storage.expiring(query),
      backfillExpiry: async () => pieces.shift() ?? { recorded: 0, isComplete: true },
    };
    const renewer = made.renewer('one', new MemoryCoordination(), { storage });

    expect([await renewer.step(SIGNAL), await renewer.step(SIGNAL)]).toEqual([1000, 60_000]);
  });

  test('a stop during a backfill ends it, and nothing is begun after it', async () => {
    const made = await fleet();
    made.wait(11 * DAY);
    const begun = Promise.withResolvers<void>();
    const asked: string[] = [];
    const storage = {
      expiring: async () => {
        asked.push('expiring');
        return [];
      },
      backfillExpiry: async ({ signal }: BackfillRequest) => {
        asked.push('backfill');
        const stopped = new Promise((resolve) => signal?.addEventListener('abort', resolve));
        begun.resolve();
        await stopped;
        return { recorded: 0, isComplete: false };
      },
    };
    const renewer = made.renewer('one', new MemoryCoordination(), { storage });
    renewer.start();
    await begun.promise;
    await renewer.stop();

    expect(asked).toEqual(['backfill']);
  });

  test('two replicas with one lease: each file is renewed once, by one of them', async () => {
    const made = await fleet();
    const coordination = new MemoryCoordination();
    const replicas = ['one', 'two'].map((holder) => made.renewer(holder, coordination));
    made.wait(11 * DAY);
    await Promise.all(replicas.map((replica) => replica.step(SIGNAL)));

    expect(made.outcomes).toEqual(Array(3).fill('timestamp renewed'));
    expect(await made.audited('renew')).toHaveLength(3);
  });

  test('two replicas that both believe to hold the lease: each file is renewed once all the same', async () => {
    const made = await fleet();
    const replicas = ['one', 'two'].map((holder) => made.renewer(holder, new MemoryCoordination()));
    made.wait(11 * DAY);
    await Promise.all(replicas.map((replica) => replica.step(SIGNAL)));
    await Promise.all(replicas.map((replica) => replica.step(SIGNAL)));

    expect(await made.audited('renew')).toHaveLength(3);
    for (const gun of GUNS) expect(await made.versions(gun, 'timestamp')).toEqual([2]);
    expect(made.outcomes.filter((outcome) => outcome === 'timestamp renewed')).toHaveLength(3);
  });

  test('a snapshot that the server signs is renewed with its timestamp', async () => {
    const made = await fleet();
    made.wait(1095 * DAY - 29 * DAY);
    await made.renewer('one', new MemoryCoordination()).step(SIGNAL);

    expect(await made.versions('example.com/a', 'snapshot', 'timestamp')).toEqual([2, 2]);
    expect(await made.audited('renew')).toHaveLength(3);
  });

  test("a publisher's snapshot is never touched: its timestamp is renewed as long as it is good", async () => {
    const made = new Fleet();
    await made.first.published('example.com/held', 'client');
    const renewer = made.renewer('one', new MemoryCoordination());
    made.wait(1070 * DAY);
    await renewer.step(SIGNAL);
    expect(await made.versions('example.com/held', 'snapshot', 'timestamp')).toEqual([1, 2]);
    await renewer.step(SIGNAL);

    expect(await made.versions('example.com/held', 'snapshot', 'timestamp')).toEqual([1, 2]);
    expect(made.outcomes).toEqual(['timestamp renewed', 'snapshot not-ours']);
  });

  test('S2 nothing is signed on the word of an expired root, and it holds up nobody', async () => {
    const made = new Fleet();
    await made.first.published('example.com/old');
    made.wait(3650 * DAY);
    await made.first.published('example.com/young');
    made.wait(11 * DAY);
    await made.renewer('one', new MemoryCoordination()).step(SIGNAL);

    expect(await made.versions('example.com/old', 'timestamp')).toEqual([1]);
    expect(await made.versions('example.com/young', 'timestamp')).toEqual([2]);
  });

  test('one key that is damaged holds up nobody; a signer that is gone ends the round', async () => {
    const made = await fleet();
    made.wait(11 * DAY);
    const tried: string[] = [];
    const failing = (broken: readonly string[]) => ({
      renew: async (gun: string) => {
        tried.push(gun);
        if (broken.includes(gun)) throw new Error('signer');
        return 'renewed' as const;
      },
    });
    await made.renewer('one', new MemoryCoordination(), { refresher: failing(['example.com/a']) }).step(SIGNAL);
    expect(tried).toEqual(GUNS);

    const gone = made.renewer('one', new MemoryCoordination(), { refresher: failing(GUNS) });
    await expect(gone.step(SIGNAL)).rejects.toThrow('signer');
    expect(made.outcomes.slice(3)).toEqual(Array(3).fill('timestamp failed'));
  });

  test('the loop goes on after a signer was gone, and stops when it is told', async () => {
    const made = await fleet();
    made.wait(11 * DAY);
    const renewed = Promise.withResolvers<void>();
    let calls = 0;
    const refresher = {
      renew: async () => {
        calls += 1;
        if (calls <= 3) throw new Error('signer');
        renewed.resolve();
        return 'renewed' as const;
      },
    };
    const later = async (_: number, signal: AbortSignal) => {
      if (!signal.aborted) made.wait(15 * 60_000);
      await Promise.resolve();
    };
    const clock = () => made.now;
    const renewer = made.renewer('one', new MemoryCoordination(), { refresher, clock, wait: later });
    renewer.start();
    await renewed.promise;
    await renewer.stop();
    const seen = calls;
    await Promise.resolve();

    expect(calls).toBe(seen);
  });

  test('is paced', async () => {
    const made = await fleet();
    made.wait(11 * DAY);
    const waits: number[] = [];
    const wait = async (ms: number) => void waits.push(ms);
    await made.renewer('one', new MemoryCoordination(), { perSecond: 4, wait }).step(SIGNAL);

    expect(waits).toEqual([250, 250, 250]);
  });
});

/** Storage in which the roots of some cannot be read. */
function withoutRoots(storage: MemoryStorage, guns: readonly string[]): MemoryStorage['latest'] {
  const latest = storage.latest.bind(storage);
  return async (gun, role) => {
    if (role === 'root' && guns.includes(gun)) throw new Error('damaged');
    return latest(gun, role);
  };
}

describe('notices of expiry', () => {
  test('a file that only its publisher can sign: once for each version, whoever looks', async () => {
    const made = new Fleet();
    await made.first.published('example.com/held', 'client');
    made.wait(1070 * DAY);
    const coordination = new MemoryCoordination();
    await made.notices('one', coordination).step(SIGNAL);
    await made.notices('one', coordination).step(SIGNAL);

    const noted = (await made.audited('expiring')).map(({ gun, actor, detail }) => [gun, actor.name, detail.role]);
    expect(noted.sort()).toEqual([
      ['example.com/held', 'server', 'snapshot'],
      ['example.com/held', 'server', 'targets'],
    ]);
  });

  test("the server's own snapshot and timestamp are nobody's business", async () => {
    const made = new Fleet();
    await made.first.published('example.com/app');
    made.wait(1070 * DAY);
    await made.notices().step(SIGNAL);

    expect((await made.audited('expiring')).filter(({ detail }) => detail.role !== 'targets')).toEqual([]);
  });

  test('snapshots that cannot be judged hold up nobody, however many they are', async () => {
    const made = new Fleet();
    const guns = [...GUNS, 'example.com/d'];
    for (const gun of guns) await made.first.published(gun, 'client');
    made.wait(1070 * DAY);
    made.storage.latest = withoutRoots(made.storage, GUNS);
    const notices = made.notices();
    const noted = async (role: string) =>
      (await made.audited('expiring')).filter(({ detail }) => detail.role === role).map(({ gun }) => gun);

    await notices.step(SIGNAL);
    expect([await noted('targets'), await noted('snapshot')]).toEqual([guns, []]);
    await notices.step(SIGNAL);
    expect(await noted('snapshot')).toEqual(['example.com/d']);
  });

  test('what another program deleted, or has published anew, is no news', async () => {
    const made = new Fleet();
    await made.first.published('example.com/app', 'client');
    made.wait(1070 * DAY);
    const [targets] = await made.storage.expiring({ before: made.now, limit: 1 });
    const due = { ...targets, role: 'targets', version: 7, expires: new Date(made.now.getTime() + DAY) } as never;
    const gone = { ...(due as object), gun: 'example.com/gone', version: 1 } as never;
    made.storage.expiring = async ({ role, after }) => (role === undefined && after === undefined ? [due, gone] : []);
    await made.notices().step(SIGNAL);

    expect(await made.audited('expiring')).toEqual([]);
  });

  test('what has expired already is no news, and what expires next is measured', async () => {
    const made = new Fleet();
    await made.first.published('example.com/app', 'client');
    const notices = made.notices();
    await notices.step(SIGNAL);
    expect(notices.horizon('timestamp' as never)).toBe((14 * DAY) / 1000);
    made.wait(4000 * DAY);
    await notices.step(SIGNAL);

    expect(notices.horizon('timestamp' as never)).toBeUndefined();
    expect(await made.audited('expiring')).toEqual([]);
  });
});
