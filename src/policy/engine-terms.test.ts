// SPDX-License-Identifier: Apache-2.0

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { digestOf, PolicyStage, rule, short } from '../../test/support/policy-stage.ts';

const APP = 'r.example.com/acme/app';
const DAY = 86_400_000;
let stage: PolicyStage;

beforeEach(() => {
  stage = new PolicyStage();
});
afterEach(() => stage.close());

describe('freshness', () => {
  test('max-age lets data stand in for a server that is silent, and no longer', async () => {
    (await stage.repository(APP)).tag('1').publish();
    const engine = stage.engine(rule('freshness: { max-age: 2d }'));
    expect(short(await engine.decide(`${APP}:1`))).toStartWith('allow');
    const later = (days: number) => {
      stage.now = new Date(stage.now.getTime() + days * DAY);
      stage.ticks += 60_000;
    };
    stage.mood = 'down';
    later(1);
    const stale = await engine.decide(`${APP}:1`);
    expect(short(stale)).toStartWith('allow');
    expect(stale.steps.find(({ step }) => step === 'freshness')?.text).toStartWith(
      'the server is silent; checked 2026-12-01',
    );
    later(2);
    expect(short(await engine.decide(`${APP}:1`))).toBe('unavailable unreachable');
  });

  test('S36 gone is not silent', async () => {
    (await stage.repository(APP)).tag('1').publish();
    const engine = stage.engine(rule('freshness: { max-age: 2d }'));
    await engine.decide(`${APP}:1`);
    stage.ticks = 60_000;
    stage.mood = 404;
    expect(short(await engine.decide(`${APP}:1`))).toBe('deny unsigned');
  });

  test('frozen takes an expired timestamp and snapshot from its floor on, and nothing else that expired', async () => {
    const repository = (await stage.repository(APP)).tag('1').publish();
    const soon = new Date(stage.now.getTime() + 1000);
    repository.publish({ timestamp: soon, snapshot: soon });
    stage.now = new Date(stage.now.getTime() + DAY);
    const frozen = (gun: string, floor: number) =>
      stage.engine(rule(`freshness: { frozen: { ${gun}: ${floor} } }`)).decide(`${APP}:1`);
    expect(short(await stage.engine(rule('')).decide(`${APP}:1`))).toBe('deny expired');
    expect(short(await frozen(APP, 3))).toStartWith('allow');
    expect(short(await frozen(APP, 4))).toBe('deny below-floor');
    expect(short(await frozen('r.example.com/acme/other', 1))).toBe('deny no-floor');
    stage.now = new Date(stage.now.getTime() + 4 * 365 * DAY);
    expect(short(await frozen(APP, 3))).toBe('deny expired');
  });
});

describe('digests', () => {
  test('signed-now: what a tag is signed for now', async () => {
    const repository = (await stage.repository(APP)).tag('1', 'old').publish();
    const engine = stage.engine(rule(''));
    expect(short(await engine.decide(`${APP}@${digestOf('old')}`))).toBe(`allow ${digestOf('old')}`);
    expect(short(await engine.decide(`${APP}@${digestOf('other')}`))).toBe('deny not-signed');
    repository.tag('1', 'new').publish();
    stage.ticks = 60_000;
    expect(short(await engine.decide(`${APP}@${digestOf('old')}`))).toBe('deny not-signed');
  });

  test('signed-ever: what was signed within so many days, by a record that outlives the process', async () => {
    const repository = (await stage.repository(APP)).tag('1', 'old').publish();
    const terms = rule('digests: { signed-ever: 10d }');
    const engine = stage.engine(terms);
    await engine.decide(`${APP}:1`);
    stage.now = new Date(stage.now.getTime() + DAY);
    stage.ticks = 60_000;
    await engine.decide(`${APP}:1`);
    repository.now = stage.now;
    repository.tag('1', 'new').publish();
    stage.ticks = 120_000;
    expect(short(await engine.decide(`${APP}:1`))).toBe(`allow ${digestOf('new')}`);
    engine.close();
    stage.now = new Date(stage.now.getTime() + 9 * DAY);
    const again = stage.engine(terms);
    const kept = await again.decide(`${APP}@${digestOf('old')}`);
    expect(short(kept)).toBe(`allow ${digestOf('old')}`);
    expect(short(await again.decide(`${APP}:1@${digestOf('old')}`))).toBe(`allow ${digestOf('old')}`);
    expect(short(await again.decide(`${APP}:2@${digestOf('old')}`))).toStartWith('deny');
    stage.now = new Date(stage.now.getTime() + 2 * DAY);
    expect(short(await again.decide(`${APP}@${digestOf('old')}`))).toBe('deny not-signed');
    expect(short(await again.decide(`${APP}@${digestOf('never')}`))).toBe('deny not-signed');
  });

  test('signed-ever asks for the signers that signed then', async () => {
    const repository = (await stage.repository(APP))
      .delegate('targets/alice')
      .tag('1', 'x', 'targets/alice')
      .tag('1', 'x')
      .publish();
    await stage.engine(rule('')).decide(`${APP}:1`);
    repository.tag('1', 'y', 'targets/alice').tag('1', 'y').publish();
    const by = (name: string) =>
      stage.engine(rule(`digests: { signed-ever: 9d }\nsigners: [${name}]`)).decide(`${APP}@${digestOf('x')}`);
    expect(short(await by('alice'))).toStartWith('allow');
    expect(short(await by('bob'))).toStartWith('deny');
  });

  test('signed-ever without signers asks for one of the roles that Docker resolves by', async () => {
    const repository = (await stage.repository(APP)).delegate('targets/alice').tag('1', 'x', 'targets/alice').publish();
    await stage.engine(rule('signers: [alice]')).decide(`${APP}:1`);
    repository.untag('1', 'targets/alice').publish();
    const by = (more: string) =>
      stage.engine(rule(`digests: { signed-ever: 9d }${more}`)).decide(`${APP}@${digestOf('x')}`);
    expect(short(await by(''))).toBe('deny not-signed');
    expect(short(await by('\nsigners: [alice]'))).toBe(`allow ${digestOf('x')}`);
  });

  test('any: a digest is not judged, and a tag is', async () => {
    (await stage.repository(APP)).tag('1', 'x').publish();
    const engine = stage.engine(rule('digests: any'));
    expect(await engine.decide(`${APP}@${digestOf('other')}`)).toMatchObject({
      outcome: 'allow',
      verified: false,
      digest: digestOf('other'),
    });
    expect(short(await engine.decide(`${APP}:2`))).toBe('deny unsigned');
  });

  test('pinned: what the rule lists, without trust data', async () => {
    const digest = digestOf('pause');
    const engine = stage.engine(`version: 1
rules:
  - images: registry.k8s.io/pause
    action: pinned
    pinned: { tags: { '3.9': '${digest}', '3.10': '${digestOf('other')}' } }`);
    expect(short(await engine.decide('registry.k8s.io/pause:3.9'))).toBe(`allow ${digest}`);
    expect(short(await engine.decide(`registry.k8s.io/pause@${digest}`))).toBe(`allow ${digest}`);
    expect(short(await engine.decide('registry.k8s.io/pause:3.8'))).toBe('deny not-pinned');
    expect(short(await engine.decide(`registry.k8s.io/pause@${digestOf('x')}`))).toBe('deny not-pinned');
    expect(short(await engine.decide(`registry.k8s.io/pause:3.9@${digestOf('x')}`))).toBe('deny not-pinned');
    expect(short(await engine.decide(`registry.k8s.io/pause:3.9@${digestOf('other')}`))).toBe('deny not-pinned');
    expect(stage.requests).toEqual([]);
  });
});
