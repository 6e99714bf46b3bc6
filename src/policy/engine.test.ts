// SPDX-License-Identifier: Apache-2.0
import { Database } from 'bun:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { digestOf, forgetTrust, PolicyStage, rootKeyOf, rule, short } from '../../test/support/policy-stage.ts';
import { makeKey } from '../../test/support/test-keys.ts';
import { encodeUtf8 } from '../encoding/index.ts';
import { dockerTarget, hash, withTarget } from '../tuf/index.ts';

const APP = 'r.example.com/acme/app';
const DAY = 86_400_000;
let stage: PolicyStage;

beforeEach(() => {
  stage = new PolicyStage();
});
afterEach(() => stage.close());

describe('a tag', () => {
  test('is allowed with the digest and size that were signed for it', async () => {
    (await stage.repository(APP)).tag('1', 'one').publish();
    const decision = await stage.engine(rule('')).decide(`${APP}:1`);
    expect(decision).toMatchObject({
      outcome: 'allow',
      digest: digestOf('one'),
      size: 3,
      verified: true,
      tag: '1',
      gun: APP,
    });
    expect(decision).toMatchObject({ signers: ['targets'], rule: 'r.example.com/**', mode: 'enforce' });
  });

  test('that nobody signed is denied, and so is a repository that nobody signed', async () => {
    (await stage.repository(APP)).tag('1').publish();
    const engine = stage.engine(rule(''));
    expect(short(await engine.decide(`${APP}:2`))).toBe('deny unsigned');
    expect(short(await engine.decide('r.example.com/acme/other:1'))).toBe('deny unsigned');
  });

  test('with a digest has to be signed for that digest', async () => {
    (await stage.repository(APP)).tag('1', 'one').tag('2', 'two').publish();
    const engine = stage.engine(rule(''));
    expect(short(await engine.decide(`${APP}:1@${digestOf('one')}`))).toBe(`allow ${digestOf('one')}`);
    expect(short(await engine.decide(`${APP}:1@${digestOf('two')}`))).toBe('deny other-digest');
  });

  test('an image that no rule covers is denied, unless the default says otherwise', async () => {
    expect(short(await stage.engine('version: 1').decide('alpine'))).toBe('deny no-rule');
    const open = 'version: 1\ndefault: { action: allow }';
    expect(await stage.engine(open).decide('alpine')).toMatchObject({
      outcome: 'allow',
      verified: false,
      digest: undefined,
    });
    expect(short(await stage.engine(open).decide('Not A Reference'))).toBe('deny invalid-reference');
  });
});

describe('property 4: what cannot be completed is a refusal', () => {
  test.each([
    ['down', 'unavailable unreachable'],
    [503, 'unavailable unavailable'],
    [429, 'unavailable unavailable'],
    [500, 'unavailable unavailable'],
    [401, 'unavailable unauthorized'],
    [403, 'unavailable unauthorized'],
    [418, 'unavailable rejected'],
    [404, 'deny unsigned'],
  ] as const)('S32 a trust server that is or says %p: %s', async (mood, expected) => {
    (await stage.repository(APP)).tag('1').publish();
    const engine = stage.engine(rule(''));
    stage.mood = mood;
    expect(short(await engine.decide(`${APP}:1`))).toBe(expected);
    stage.mood = 'serve';
    expect(short(await engine.decide(`${APP}:1`))).toStartWith('allow');
    stage.ticks = 60_000;
    stage.mood = mood;
    expect(short(await engine.decide(`${APP}:1`))).toBe(expected);
  });

  test('S32 a trust server that hangs is given up within the budget', async () => {
    await stage.repository(APP);
    stage.mood = 'hang';
    const engine = stage.engine(rule(''), { budget: { milliseconds: 20 } });
    expect(short(await engine.decide(`${APP}:1`))).toBe('unavailable timeout');
  });

  test('S32 answers without end are cut off, file by file and all together', async () => {
    (await stage.repository(APP)).tag('1', 'x').publish();
    stage.mood = () => new Response(new ReadableStream({ pull: (sink) => sink.enqueue(new Uint8Array(1 << 16)) }));
    expect(short(await stage.engine(rule('')).decide(`${APP}:1`))).toBe('unavailable too-large');
    stage.mood = 'serve';
    expect(short(await stage.engine(rule(''), { budget: { bytes: 3000 } }).decide(`${APP}:1`))).toBe(
      'unavailable too-large',
    );
    expect(short(await stage.engine(rule(''), { budget: { requests: 2 } }).decide(`${APP}:1`))).toBe(
      'unavailable too-large',
    );
  });

  test('S2 expired trust data are denied, and so are data that expire while they are held', async () => {
    const repository = (await stage.repository(APP))
      .tag('1')
      .publish({ timestamp: new Date(stage.now.getTime() + DAY) });
    const engine = stage.engine(rule(''));
    expect(short(await engine.decide(`${APP}:1`))).toStartWith('allow');
    stage.now = new Date(stage.now.getTime() + DAY + 1);
    expect(short(await engine.decide(`${APP}:1`))).toBe('deny expired');
    repository.now = stage.now;
    repository.publish();
    expect(short(await engine.decide(`${APP}:1`))).toStartWith('allow');
  });

  test('S17 old trust data are denied, also to an engine that was started anew', async () => {
    const repository = (await stage.repository(APP)).tag('1', 'old').publish();
    const then = repository.served;
    repository.tag('1', 'new').publish();
    expect(short(await stage.engine(rule('')).decide(`${APP}:1`))).toBe(`allow ${digestOf('new')}`);
    repository.replay(then);
    expect(short(await stage.engine(rule('')).decide(`${APP}:1`))).toBe('deny rollback');
  });

  test('a record that is damaged is no reason to let through what rests on it', async () => {
    (await stage.repository(APP)).tag('1').publish();
    const [now, ever] = [stage.engine(rule('')), stage.engine(rule('digests: { signed-ever: 9d }'))];
    new Database(join(stage.directory, 'trust', 'hallmark', 'policy.db')).run('drop table repository');
    expect(short(await ever.decide(`${APP}:1`))).toBe('unavailable state');
    expect(short(await now.decide(`${APP}:1`))).toBe(`allow ${digestOf('1')}`);
  });
});

describe('S29 warn and audit', () => {
  test.each(['warn', 'audit'])('%s lets through what is refused, and says what was', async (mode) => {
    await stage.repository(APP);
    const decision = await stage.engine(rule(`mode: ${mode}`)).decide(`${APP}:1`);
    expect(decision).toMatchObject({
      outcome: 'allow',
      verified: false,
      digest: undefined,
      overruled: { code: 'unsigned' },
    });
    expect(stage.records).toMatchObject([
      { outcome: 'allow', overruled: true, code: 'unsigned', mode, step: 'trust data' },
    ]);
    expect(stage.counted).toEqual([{ point: 'cli', mode, outcome: 'overruled', code: 'unsigned' }] as never);
  });

  test('neither takes an old state for the newest: once enforced, it still is refused', async () => {
    const repository = (await stage.repository(APP)).tag('1', 'old').publish();
    const then = repository.served;
    repository.tag('1', 'new').publish();
    const lenient = stage.engine(rule('mode: audit'));
    expect(short(await lenient.decide(`${APP}:1`))).toBe(`allow ${digestOf('new')}`);
    repository.replay(then);
    stage.ticks = 60_000;
    expect(await lenient.decide(`${APP}:1`)).toMatchObject({ overruled: { code: 'rollback' }, digest: undefined });
    expect(short(await stage.engine(rule('')).decide(`${APP}:1`))).toBe('deny rollback');
    repository.honest();
    expect(short(await stage.engine(rule('')).decide(`${APP}:1`))).toBe(`allow ${digestOf('new')}`);
  });

  test('what is trusted is verified in them as ever', async () => {
    (await stage.repository(APP)).tag('1').publish();
    const decision = await stage.engine(rule('mode: warn')).decide(`${APP}:1`);
    expect(decision).toMatchObject({ verified: true, overruled: undefined });
  });
});

describe('a digest that is asked for by itself', () => {
  test('is that of a tag: a name that would be more than one in a reference, or in a shell, signs none', async () => {
    const repository = await stage.repository(APP);
    const odd = '0 --privileged evil';
    repository.tag('1', 'both').edit('targets', (targets) => {
      const target = (content: string) => dockerTarget(hash('sha256', encodeUtf8(content)), content.length);
      const targetsByName = new Map([...targets.targets, [odd, target('both')], [`${odd} too`, target('odd')]]);
      return { ...targets, targets: targetsByName };
    });
    repository.publish();
    const engine = stage.engine(rule(''));
    expect(await engine.decide(`${APP}@${digestOf('both')}`)).toMatchObject({ outcome: 'allow', tag: '1' });
    expect(short(await engine.decide(`${APP}@${digestOf('odd')}`))).toBe('deny not-signed');
  });
});

describe('pins', () => {
  test('a repository that no pin covers is denied where first use is not allowed', async () => {
    (await stage.repository(APP)).tag('1').publish();
    const policy = `version: 1\nrules: [{ images: 'r.example.com/**' }]`;
    expect(short(await stage.engine(policy).decide(`${APP}:1`))).toBe('deny unmet-pin');
  });

  test('the pinned key is trusted, another is not', async () => {
    const repository = (await stage.repository(APP)).tag('1').publish();
    const pinned = (id: string) =>
      `version: 1\nrules: [{ images: 'r.example.com/**', pins: { keys: { '${APP}': ['${id}'] } } }]`;
    expect(short(await stage.engine(pinned('0'.repeat(64))).decide(`${APP}:1`))).toBe('deny unmet-pin');
    expect(short(await stage.engine(pinned(rootKeyOf(repository))).decide(`${APP}:1`))).toStartWith('allow');
  });

  test('a root that was trusted before the pins were written has to fit them too', async () => {
    const repository = (await stage.repository(APP)).tag('1').publish();
    const pinned = (id: string) => rule(`pins: { keys: { 'r.example.com/*': ['${id}'] } }`);
    expect(short(await stage.engine(rule('')).decide(`${APP}:1`))).toStartWith('allow');
    expect(short(await stage.engine(pinned('0'.repeat(64))).decide(`${APP}:1`))).toBe('deny unmet-pin');
    const first = pinned(rootKeyOf(repository));
    expect(short(await stage.engine(first).decide(`${APP}:1`))).toStartWith('allow');
    await repository.rotate('root');
    repository.publish();
    expect(short(await stage.engine(first).decide(`${APP}:1`))).toStartWith('allow');
  });

  test('pins of an earlier root lead to the current one, also where that was trusted before without them', async () => {
    const repository = (await stage.repository(APP)).tag('1').publish();
    const pins = rule(`pins: { keys: { '${APP}': ['${rootKeyOf(repository)}'] } }`);
    await repository.rotate('root');
    repository.publish();
    expect(short(await stage.engine(rule('')).decide(`${APP}:1`))).toStartWith('allow');
    expect(short(await stage.engine(pins).decide(`${APP}:1`))).toStartWith('allow');
    const before = stage.requests.length;
    expect(short(await stage.engine(pins).decide(`${APP}:1`))).toStartWith('allow');
    expect(stage.requests.slice(before)).toHaveLength(1);
  });

  test('a repository that an attacker made anew, and that was trusted on first use, does not pass for the pinned one', async () => {
    const real = (await stage.repository(APP)).tag('1').publish();
    const evil = (await stage.repository(APP)).tag('1', 'evil').publish();
    expect(short(await stage.engine(rule('')).decide(`${APP}:1`))).toStartWith('allow');
    const pins = rule(`pins: { keys: { '${APP}': ['${rootKeyOf(real)}'] } }`);
    expect(short(await stage.engine(pins).decide(`${APP}:1`))).toBe('deny unmet-pin');
    stage.repositories.set(APP, real);
    expect(short(await stage.engine(pins).decide(`${APP}:1`))).toStartWith('deny');
    expect(evil.gun).toBe(real.gun);
  });

  test('nor does it for a root that fitted the pins once, after the trust in that was given up', async () => {
    const real = (await stage.repository(APP)).tag('1').publish();
    const pins = rule(`pins: { keys: { '${APP}': ['${rootKeyOf(real)}'] } }`);
    expect(short(await stage.engine(pins).decide(`${APP}:1`))).toStartWith('allow');
    forgetTrust(stage);
    (await stage.repository(APP)).tag('1', 'evil').publish();
    expect(short(await stage.engine(rule('')).decide(`${APP}:1`))).toStartWith('allow');
    expect(short(await stage.engine(pins).decide(`${APP}:1`))).toBe('deny unmet-pin');
  });

  test('a root whose pinned key was neither in the first nor is in the current one stays, by its chain', async () => {
    const repository = (await stage.repository(APP)).tag('1').publish();
    await repository.rotate('root');
    repository.publish();
    const pins = rule(`pins: { keys: { '${APP}': ['${rootKeyOf(repository)}'] } }`);
    expect(short(await stage.engine(pins).decide(`${APP}:1`))).toStartWith('allow');
    await repository.rotate('root');
    repository.publish();
    for (const _ of [1, 2]) expect(short(await stage.engine(pins).decide(`${APP}:1`))).toStartWith('allow');
    const before = stage.requests.length;
    expect(short(await stage.engine(pins).decide(`${APP}:1`))).toStartWith('allow');
    expect(stage.requests.slice(before)).toHaveLength(1);
  });
});

describe('required signers', () => {
  const roles = ['targets/alice', 'targets/bob', 'targets/carol'];

  async function signed(by: Readonly<Record<string, string>>, releases?: string) {
    const repository = await stage.repository(APP);
    for (const role of [...roles, 'targets/releases']) repository.delegate(role);
    for (const [role, content] of Object.entries(by)) repository.tag('1', content, role);
    if (releases !== undefined) repository.tag('1', releases, 'targets/releases');
    return repository.publish();
  }

  test('all of them', async () => {
    await signed({ 'targets/alice': 'x', 'targets/bob': 'x' }, 'x');
    const decide = (names: string) => stage.engine(rule(`signers: ${names}`)).decide(`${APP}:1`);
    expect(short(await decide('[alice, bob]'))).toBe(`allow ${digestOf('x')}`);
    const refused = await decide('{ all: [alice, bob, carol] }');
    expect(short(refused)).toBe('deny missing-signers');
    expect(refused).toMatchObject({ step: 'signers', message: expect.stringContaining('missing targets/carol') });
  });

  test('m of n', async () => {
    await signed({ 'targets/alice': 'x', 'targets/bob': 'x' }, 'x');
    const decide = (n: number) =>
      stage.engine(rule(`signers: { at-least: ${n}, of: [alice, bob, carol] }`)).decide(`${APP}:1`);
    expect(short(await decide(2))).toStartWith('allow');
    expect(short(await decide(3))).toBe('deny missing-signers');
  });

  test('they have to agree on the digest that is released', async () => {
    await signed({ 'targets/alice': 'x', 'targets/bob': 'y' }, 'x');
    expect(short(await stage.engine(rule('signers: [alice, bob]')).decide(`${APP}:1`))).toBe('deny signers-disagree');
    expect(short(await stage.engine(rule('signers: [alice]')).decide(`${APP}:1`))).toBe(`allow ${digestOf('x')}`);
    expect(short(await stage.engine(rule('signers: [bob]')).decide(`${APP}:1`))).toBe('deny signers-disagree');
  });

  test('without a release they decide where enough of them agree, and only on one digest', async () => {
    await signed({ 'targets/alice': 'x', 'targets/bob': 'x', 'targets/carol': 'y' });
    const of = (n: number) =>
      stage.engine(rule(`signers: { at-least: ${n}, of: [alice, bob, carol] }`)).decide(`${APP}:1`);
    expect(short(await of(2))).toBe(`allow ${digestOf('x')}`);
    expect(short(await of(1))).toBe('deny signers-disagree');
    expect(short(await of(3))).toStartWith('deny');
    expect(short(await stage.engine(rule('')).decide(`${APP}:1`))).toBe('deny unsigned');
  });

  test('S24 two lengths for one digest cannot both be true: neither is believed', async () => {
    const repository = await stage.repository(APP);
    repository.delegate('targets/alice').tag('1', 'x', 'targets/alice').tag('1', 'x');
    const wrong = dockerTarget(hash('sha256', encodeUtf8('x')), 99);
    repository.edit('targets/alice', (targets) => withTarget(targets, '1', wrong)).publish();
    expect(short(await stage.engine(rule('')).decide(`${APP}:1`))).toBe('deny signers-disagree');
  });

  test('S27 one person with the key of two roles is one signer', async () => {
    const key = makeKey();
    const repository = await stage.repository(APP);
    for (const role of ['targets/alice', 'targets/bob']) repository.delegate(role, { keys: [key] }).tag('1', 'x', role);
    repository.tag('1', 'x').publish();
    expect(short(await stage.engine(rule('signers: [alice, bob]')).decide(`${APP}:1`))).toBe('deny missing-signers');
    expect(short(await stage.engine(rule('signers: [bob]')).decide(`${APP}:1`))).toStartWith('allow');
  });
});

describe('identity', () => {
  test("a mirror's image is judged by its source's name", async () => {
    (await stage.repository('docker.io/acme/app')).tag('1', 'x').publish();
    const engine = stage.engine(rule('identity: docker.io/**', "'mirror.example.com/hub/**'"));
    const decision = await engine.decide('mirror.example.com/hub/acme/app:1');
    expect(decision).toMatchObject({ outcome: 'allow', gun: 'docker.io/acme/app', digest: digestOf('x') });
    expect(stage.requests.every((url) => url.startsWith('https://trust.example.com/v2/docker.io/acme/app/'))).toBe(
      true,
    );
  });
});

describe('many at once', () => {
  test('one update serves everybody who waits for it, and whoever comes a moment later', async () => {
    (await stage.repository(APP)).tag('1').publish();
    const engine = stage.engine(rule(''));
    const all = await Promise.all(Array.from({ length: 200 }, () => engine.decide(`${APP}:1`)));
    expect(all.every(({ outcome }) => outcome === 'allow')).toBe(true);
    const once = stage.requests.length;
    expect(once).toBeLessThanOrEqual(4);
    await engine.decide(`${APP}:1`);
    expect(stage.requests.length).toBe(once);
  });

  test('a refusal never comes of what was checked before: what was signed a moment ago is found', async () => {
    const repository = (await stage.repository(APP)).tag('1').publish();
    const engine = stage.engine(rule(''));
    await engine.decide(`${APP}:1`);
    repository.tag('2').publish();
    expect(short(await engine.decide(`${APP}:2`))).toStartWith('allow');
  });

  test('S32 too many repositories at once are told so', async () => {
    stage.mood = 'hang';
    const engine = stage.engine(rule(''), { budget: { milliseconds: 50 } });
    const all = await Promise.all(Array.from({ length: 400 }, (_, at) => engine.decide(`r.example.com/a${at}:1`)));
    const codes = new Set(all.map(short));
    expect(codes.has('unavailable busy')).toBe(true);
    expect([...codes].every((code) => code.startsWith('unavailable'))).toBe(true);
  });
});
