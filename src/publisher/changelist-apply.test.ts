// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { memoryKeyStore } from '../../test/support/memory-keys.ts';
import { PASSPHRASES, ServerDouble, TestPublisher, targetOf } from '../../test/support/publishing-stage.ts';
import { GUN, NOW } from '../../test/support/repository-simulator.ts';
import { makeKey } from '../../test/support/test-keys.ts';
import { canonicalKeyId, notaryV1, type PublicKey, type RoleName, TARGETS, type Targets } from '../tuf/index.ts';
import type { Change } from './changelist.ts';
import { applyChanges } from './changelist-apply.ts';
import {
  delegationAdditions,
  delegationReductions,
  delegationRemoval,
  keyPurge,
  targetAddition,
  targetRemoval,
  witnessing,
} from './changelist-content.ts';
import { Draft } from './draft.ts';
import { initializeRepository } from './initialize.ts';

const A = 'targets/a' as RoleName;
const B = 'targets/a/b' as RoleName;

/** A repository of one publisher, and changes carried out on it. */
class Stage {
  readonly server = new ServerDouble();
  readonly user = new TestPublisher(this.server);

  static async open(...changes: readonly Change[]): Promise<Stage> {
    const stage = new Stage();
    await stage.user.publisher.sign('v1', targetOf('one'));
    await stage.publish(...changes);
    return stage;
  }

  get #options() {
    return { dialect: notaryV1, keys: { store: this.user.store, passphrases: PASSPHRASES }, now: NOW };
  }

  publish(...changes: readonly Change[]) {
    return this.user.publisher.publish((draft) => applyChanges(draft, changes, this.#options));
  }

  /** What the changes make of the repository, unsigned. */
  async draft(...changes: readonly Change[]): Promise<Draft> {
    const draft = Draft.of(await this.user.client.refresh());
    await applyChanges(draft, changes, this.#options);
    return draft;
  }

  async refusal(...changes: readonly Change[]): Promise<unknown> {
    return this.draft(...changes).then(
      () => undefined,
      (error) => error,
    );
  }

  delegate(role: RoleName, keys: readonly PublicKey[], paths: readonly string[] = ['']): readonly Change[] {
    return delegationAdditions(role, keys, paths);
  }
}

const pathsIn = (targets: Targets | undefined) => [...(targets?.targets.keys() ?? [])];
const delegationIn = (draft: Draft, parent: RoleName, name: RoleName) =>
  draft.targets(parent)?.delegations.roles.find((role) => role.name === name);

describe('targets', () => {
  test('are added and removed in order, the last word counts', async () => {
    const stage = await Stage.open();
    const draft = await stage.draft(
      targetAddition('targets', 'v2', targetOf('two')),
      targetRemoval('targets', 'v1'),
      targetAddition('targets', 'v3', targetOf('three')),
      targetRemoval('targets', 'v3'),
    );
    expect(pathsIn(draft.targets(TARGETS))).toEqual(['v2']);
  });

  test('that are there already, or not there, change nothing', async () => {
    const stage = await Stage.open();
    const draft = await stage.draft(targetAddition('targets', 'v1', targetOf('one')), targetRemoval('targets', 'no'));
    expect(draft.isChanged).toBe(false);
  });

  test('with other custom data are other targets', async () => {
    const stage = await Stage.open();
    const custom = new Map([['built', 7]]);
    const draft = await stage.draft(targetAddition('targets', 'v1', { ...targetOf('one'), custom }));
    expect(draft.targets(TARGETS)?.targets.get('v1')?.custom).toEqual(custom);
  });

  test('go into a delegation within its paths alone', async () => {
    const stage = new Stage();
    await stage.user.publisher.sign('v1', targetOf('one'));
    const key = await stage.user.addKey('a');
    await stage.publish(...stage.delegate(A, [key], ['ok/']));

    const draft = await stage.draft(targetAddition(A, 'ok/one', targetOf('x')));
    expect(pathsIn(draft.targets(A))).toEqual(['ok/one']);
    expect(await stage.refusal(targetAddition(A, 'bad/one', targetOf('x')))).toMatchObject({
      name: 'ChangelistError',
      code: 'outside-paths',
      message: 'Could not add all targets',
    });
  });

  test('of a role that does not exist, or whose keys are elsewhere, are refused in the words of Notary', async () => {
    const other = makeKey();
    const stage = await Stage.open(...delegationAdditions(A, [other.listed], ['']));

    expect(await stage.refusal(targetAddition('targets/no', 'x', targetOf('x')))).toMatchObject({
      code: 'unknown-role',
      message: 'tuf: invalid role targets/no. delegation does not exist',
    });
    const keyId = canonicalKeyId(other.listed);
    expect(await stage.refusal(targetAddition(A, 'x', targetOf('x')))).toMatchObject({
      name: 'PublishError',
      code: 'no-signing-key',
      keyIds: [keyId],
      message: `could not find necessary signing keys, at least one of these keys must be available: ${keyId}`,
    });
  });

  test('carry out nothing before a change that fails is published', async () => {
    const stage = await Stage.open();
    const sent = stage.server.sent.length;
    const failing = stage.publish(
      targetAddition('targets', 'v2', targetOf('two')),
      targetAddition('targets/no', 'x', targetOf('x')),
    );
    expect(await failing.catch(({ code }) => code)).toBe('unknown-role');
    expect(stage.server.sent).toHaveLength(sent);
  });
});

describe('delegations', () => {
  test('are made with keys, then given paths; paths can be taken, and cleared', async () => {
    const key = makeKey();
    const stage = await Stage.open(...delegationAdditions(A, [key.listed], ['x/', 'y/']));
    const paths = async (...changes: readonly Change[]) =>
      delegationIn(await stage.draft(...changes), TARGETS, A)?.paths;

    expect(await paths()).toEqual(['x/', 'y/']);
    expect(await paths(...delegationReductions(A, [], ['x/']))).toEqual(['y/']);
    expect(await paths(...delegationReductions(A, [], 'all'))).toEqual([]);
  });

  test('lose keys by canonical ID, and stay when none is left; unknown keys are passed over', async () => {
    const [one, two] = [makeKey(), makeKey()];
    const stage = await Stage.open(...delegationAdditions(A, [one.listed, two.listed], ['']));
    const ids = async (...changes: readonly Change[]) =>
      delegationIn(await stage.draft(...changes), TARGETS, A)?.keyIds as readonly string[] | undefined;
    const idOf = ({ listed }: typeof one) => canonicalKeyId(listed) as string;

    expect(await ids(...delegationReductions(A, [idOf(one), '0'.repeat(64)], []))).toEqual([two.id]);
    expect(await ids(...delegationReductions(A, [idOf(one), idOf(two)], []))).toEqual([]);
    expect(await ids(keyPurge([idOf(two)]))).toEqual([one.id]);
    expect(await ids(keyPurge(['0'.repeat(64)]))).toEqual([one.id, two.id]);
  });

  test('are purged below the role that is named alone', async () => {
    const stage = new Stage();
    await stage.user.publisher.sign('v1', targetOf('one'));
    const key = await stage.user.addKey('a');
    await stage.publish(...stage.delegate(A, [key]), ...stage.delegate(B, [key]));
    const id = canonicalKeyId(key);

    const below = await stage.draft(keyPurge([id], 'targets/a/*'));
    expect(delegationIn(below, TARGETS, A)?.keyIds).toHaveLength(1);
    expect(delegationIn(below, A, B)?.keyIds).toEqual([]);
    const all = await stage.draft(keyPurge([id]));
    expect(delegationIn(all, TARGETS, A)?.keyIds).toEqual([]);
  });

  test('are removed; one that is not there is gone already', async () => {
    const stage = await Stage.open(...delegationAdditions(A, [makeKey().listed], ['']));
    expect(delegationIn(await stage.draft(delegationRemoval(A)), TARGETS, A)).toBeUndefined();
    expect((await stage.draft(delegationRemoval('targets/no'))).isChanged).toBe(false);
  });

  test('that are removed and given back at once start empty, one version on, and are published', async () => {
    const stage = await Stage.open();
    const key = await stage.user.addKey('a');
    await stage.publish(...stage.delegate(A, [key]), targetAddition(A, 'bad', targetOf('bad')));
    const [before] = stage.server.sent.slice(-1);
    expect(before?.has(A)).toBe(true);
    await stage.publish(delegationRemoval(A), ...stage.delegate(A, [key]), targetAddition(A, 'good', targetOf('good')));
    const trusted = await stage.user.client.refresh();

    expect(trusted.refused.size).toBe(0);
    expect(pathsIn(trusted.targets.roles.get(A)?.signed)).toEqual(['good']);
    expect(trusted.targets.roles.get(A)?.signed.version as number).toBe(2);
  });

  test('are refused without keys, without a parent, and outside of the paths of their parent', async () => {
    const stage = new Stage();
    await stage.user.publisher.sign('v1', targetOf('one'));
    const key = await stage.user.addKey('a');
    await stage.publish(...stage.delegate(A, [key], ['ok/']));
    const role = (name: string, reason: string) => `tuf: invalid role ${name}.${reason}`;

    expect(await stage.refusal(...delegationAdditions('targets/d', [], ['p/']))).toMatchObject({
      code: 'unknown-role',
      message: role('targets/d', ''),
    });
    expect(await stage.refusal(...delegationAdditions('targets/no/child', [key], []))).toMatchObject({
      code: 'unknown-role',
      message: role('targets/no', ' delegation does not exist'),
    });
    expect(await stage.refusal(...delegationReductions('targets/no', ['k'], []))).toMatchObject({
      message: role('targets/no', ' delegation does not exist'),
    });
    expect(await stage.refusal(...delegationAdditions(B, [key], ['bad/']))).toMatchObject({
      code: 'outside-paths',
      message: role(B, ' invalid paths to add to role'),
    });
  });
});

describe('witnessing', () => {
  test('signs a role anew as it is', async () => {
    const stage = await Stage.open();
    const before = (await stage.user.client.refresh()).targets.roles.get(TARGETS)?.signed;
    await stage.publish(witnessing('targets'));
    const after = (await stage.user.client.refresh()).targets.roles.get(TARGETS)?.signed;
    expect(after?.version).toBe(((before?.version ?? 0) + 1) as never);
    expect(after?.targets).toEqual(before?.targets as never);
  });

  test('takes over what a role held whose keys were replaced, and its new key vouches for it', async () => {
    const stage = new Stage();
    await stage.user.publisher.sign('v1', targetOf('one'));
    const [old, next] = [await stage.user.addKey('a'), await stage.user.addKey('a')];
    await stage.publish(...stage.delegate(A, [old]), targetAddition(A, 'kept', targetOf('kept')));
    await stage.publish(...stage.delegate(A, [next], []), ...delegationReductions(A, [canonicalKeyId(old)], []));
    const refused = await stage.user.client.refresh();
    expect(refused.refused.get(A)?.error.code).toBe('threshold');
    expect(refused.targets.roles.has(A)).toBe(false);
    expect(await stage.refusal(targetAddition(A, 'more', targetOf('more')))).toMatchObject({ code: 'threshold' });

    await stage.publish(witnessing(A), targetAddition(A, 'more', targetOf('more')));
    const { targets } = await stage.user.client.refresh();
    expect(pathsIn(targets.roles.get(A)?.signed)).toEqual(['kept', 'more']);
  });

  test('is refused for a role that nobody knows, that nobody signed, or that has no keys', async () => {
    const key = makeKey();
    const stage = await Stage.open(...delegationAdditions(A, [key.listed], ['']));
    const unknown = { code: 'unknown-role', message: `tuf: invalid role ${A}. this role is not known` };
    expect(await stage.refusal(witnessing('targets/no'))).toMatchObject({ code: 'unknown-role' });
    expect(await stage.refusal(witnessing(A))).toMatchObject(unknown);
    const keyless = delegationReductions(A, [canonicalKeyId(key.listed)], []);
    expect(await stage.refusal(...keyless, witnessing(A))).toMatchObject({
      code: 'unknown-role',
      message: expect.stringContaining('does not specify enough valid signing keys'),
    });
  });
});

describe('what no staged change may do', () => {
  const change = (role: string, type: Change['type']): Change => ({ action: 'create', role, type, path: '' });

  for (const [role, type, message] of [
    ['root', 'role', 'type of root change not yet supported: role'],
    ['root', 'witness', 'type of root change not yet supported: witness'],
    ['snapshot', 'witness', 'scope not supported: snapshot'],
    ['timestamp', 'target', 'scope not supported: timestamp'],
    ['Bad*Role', 'witness', 'scope not supported: Bad*Role'],
    ['targets/../x', 'target', 'scope not supported: targets/../x'],
    ['targets/*', 'target', 'scope not supported: targets/*'],
    ['a\u001b[31m', 'target', 'scope not supported: a [31m'],
    ['targets', 'role', 'only target meta and delegations changes supported'],
  ] as const)
    test(`${type} in ${JSON.stringify(role)}`, async () => {
      const stage = await Stage.open();
      expect(await stage.refusal(change(role, type))).toMatchObject({
        name: 'ChangelistError',
        code: 'unsupported',
        message,
      });
    });

  test('make a delegation of targets itself', async () => {
    const stage = await Stage.open();
    expect(await stage.refusal(delegationRemoval('targets'))).toMatchObject({ code: 'unknown-role' });
  });

  test('be carried out by somebody without keys, on a draft nobody published', async () => {
    const server = new ServerDouble();
    const keys = { store: memoryKeyStore(), passphrases: PASSPHRASES };
    const draft = await initializeRepository({ gun: GUN, dialect: notaryV1, keys, server, now: NOW });
    const strangers = { dialect: notaryV1, keys: { ...keys, store: memoryKeyStore() }, now: NOW };
    const refusal = await applyChanges(draft, [targetAddition('targets', 'v1', targetOf('one'))], strangers).catch(
      (error) => error,
    );
    expect(refusal).toMatchObject({ name: 'PublishError', code: 'no-signing-key' });
  });
});
