// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { TRANSCRIPTS, type Transcript, TranscriptStage } from './stage.ts';

let stage: TranscriptStage;
beforeEach(async () => {
  stage = await TranscriptStage.open();
});
afterEach(() => stage.close());

const used = new Set<string>();

/** The recorded call, replayed after the given calls, which must succeed; `@user` before words is another user. */
function replayed(name: string, ...before: readonly string[]): void {
  used.add(name);
  test(name, async () => {
    for (const line of before) {
      const [, user, words = ''] = /^(?:@(\S+) )?(.*)$/.exec(line) ?? [];
      const ran = await stage.run(words.split(' '), user === undefined ? {} : { user });
      expect([ran.exit, words, ran.stdout]).toEqual([0, words, expect.any(String)]);
    }
    const recorded = TRANSCRIPTS[name] as Transcript;
    const ran = await stage.replay(recorded);
    expect(stage.plain(ran.stdout)).toBe(stage.plain(recorded.stdout));
    expect(ran.exit).toBe(recorded.exit);
  });
}

const ONE = 'init example.com/tr/one -p';
const DELEG = 'init example.com/tr/deleg -p';
const A = 'delegation add example.com/tr/deleg targets/a d1.crt --all-paths -p';
const B = 'delegation add example.com/tr/deleg targets/b d1.crt d2.crt --paths x/ --paths y/z -p';
const PATHS = [
  'init example.com/tr/paths -p',
  'delegation add example.com/tr/paths targets/p d1.crt --paths ok/ -p',
  'key import d1.key --role targets/p',
];
const ROT = 'init example.com/tr/rot -p';
const CUSTOM = [
  'init example.com/vec/custom -p',
  'add example.com/vec/custom v1 f1.txt',
  'add example.com/vec/custom v2 f2.txt',
];

describe('usage errors name the command and what it lacks', () => {
  for (const command of ['add', 'addhash', 'delete', 'init', 'list', 'lookup', 'publish', 'remove', 'reset'])
    replayed(`no-gun-${command}`);
  for (const name of ['no-gun-status', 'no-gun-verify', 'no-gun-witness', 'witness-one-argument', 'addhash-no-hash'])
    replayed(name);
  for (const name of ['lookup-one-argument', 'remove-no-arguments', 'remove-one-argument', 'reset-no-flag'])
    replayed(name);
  for (const name of ['delegation-add-no-keys', 'delegation-purge-no-key', 'key-export-argument', 'key-rotate-no-role'])
    replayed(name);
  for (const name of ['key-generate-two-arguments', 'key-import-no-arguments', 'key-list-extra-argument'])
    replayed(name);
  for (const name of ['key-passwd-no-arguments', 'key-remove-no-arguments', 'unknown-command', 'unknown-flag'])
    replayed(name);
});

describe('targets', () => {
  for (const name of ['add', 'add-bad-role-name', 'add-missing-file', 'add-custom-missing-file', 'add-not-initialized'])
    replayed(name);
  for (const name of [
    'add-unknown-delegation',
    'add-publish-flag-not-initialized',
    'add-other-client-no-keys',
    'addhash',
  ])
    replayed(name);
  for (const name of ['addhash-bad-length', 'addhash-not-hex', 'addhash-sha512-only', 'addhash-short-hash'])
    replayed(name);
  replayed('add-custom');
  replayed('addhash--scenario-d');
  replayed('add-inside-delegation-path', ...PATHS);
  replayed('add-outside-delegation-path', ...PATHS);
  replayed('add-to-two-roles', ...PATHS);
  replayed('remove');
  replayed('remove-unknown-target');
  replayed('remove-autopublish', ...CUSTOM, 'publish example.com/vec/custom');
  replayed('remove-from-delegation', ...PATHS, 'add example.com/tr/paths ok/one f1.txt -r targets/p -p');
});

describe('staging and publishing', () => {
  replayed('status-none');
  replayed('status-not-initialized');
  replayed(
    'status-with-changes',
    ...CUSTOM,
    'addhash example.com/vec/custom byhash 12 --sha256 '.concat('ab'.repeat(32)),
  );
  replayed('reset-all', 'witness example.com/vec/witness targets');
  replayed('reset-all-nothing');
  replayed('reset-index-out-of-range');
  replayed(
    'status-after-reset-number',
    'add example.com/tr/one t10 f1.txt',
    'add example.com/tr/one t11 f1.txt',
    'remove example.com/tr/one t1',
    'reset example.com/tr/one -n 1',
  );
  replayed('reset-number', 'add example.com/tr/one t10 f1.txt', 'add example.com/tr/one t11 f1.txt');
  replayed('publish-empty-new-repository', 'init example.com/tr/one');
  replayed('publish-first', ...CUSTOM);
  replayed('publish-nothing', ONE);
  replayed('publish-not-initialized', 'add example.com/tr/noinit t1 f1.txt');
  replayed('publish-init-again', 'init example.com/tr/again', 'init example.com/tr/again');
  replayed('publish-remove-unknown-target', ONE, 'remove example.com/tr/one nothere');
  replayed('publish-unknown-delegation', ONE, 'add example.com/tr/one t9 f1.txt -r targets/nothere');
  replayed('publish-no-keys', `@owner ${ONE}`, 'add example.com/tr/one t4 f1.txt');
  replayed('publish-second-client-stale-cache', ONE, 'list example.com/tr/one');
  replayed('publish-server-down', ONE);
  replayed('publish-init-again-after-publish', '@other init example.com/tr/again -p', 'init example.com/tr/again');
  replayed('publish-other-client-conflict', `@other ${ONE}`, 'init example.com/tr/one');
  replayed('witness');
  replayed('witness-bad-role');
  replayed('witness-two-one-invalid');
  replayed('witness-unknown-role');
  replayed('witness-publish-flag', ...PATHS, 'add example.com/tr/paths ok/one f1.txt -r targets/p -p');
  replayed('publish-witness-root', PATHS[0] as string, 'witness example.com/tr/paths root');
  replayed('publish-witness-invalid-role', PATHS[0] as string, 'witness example.com/tr/paths Bad*Role');
  replayed(
    'publish-witness-unknown-role',
    'init example.com/vec/witness -p',
    'witness example.com/vec/witness targets/nothere',
  );
});

describe('delegations', () => {
  for (const name of [
    'delegation-add',
    'delegation-add-all-paths',
    'delegation-add-bad-role',
    'delegation-add-base-role',
  ])
    replayed(name);
  for (const name of ['delegation-add-missing-file', 'delegation-add-not-pem', 'delegation-add-expired-certificate'])
    replayed(name);
  for (const name of [
    'delegation-add-parent-missing',
    'delegation-add-paths-only-new-role',
    'delegation-add-trailing-slash',
  ])
    replayed(name);
  for (const name of [
    'delegation-add-private-key-file',
    'delegation-add-two-keys-paths',
    'delegation-add-uppercase-role',
  ])
    replayed(name);
  replayed('delegation-add-publish-flag', DELEG);
  replayed('publish-delegation-parent-missing', DELEG, 'delegation add example.com/tr/deleg targets/nope/child d1.crt');
  replayed('publish-delegation-paths-only-new-role', DELEG, 'delegation add example.com/tr/deleg targets/d --paths p/');
  replayed('delegation-list-none', DELEG);
  replayed('delegation-list', DELEG, A, B, 'delegation add example.com/tr/deleg targets/c d1.crt -p');
  replayed('delegation-list-unknown-gun');
  replayed('delegation-list-server-down', DELEG, 'list example.com/tr/deleg');
  for (const name of ['delegation-remove-all-paths', 'delegation-remove-bad-role', 'delegation-remove-key'])
    replayed(name);
  for (const name of [
    'delegation-remove-key--scenario-g',
    'delegation-remove-path',
    'delegation-remove-role-answer-no',
  ])
    replayed(name);
  for (const name of ['delegation-remove-role-answer-yes', 'delegation-remove-role-no-terminal']) replayed(name);
  replayed('delegation-remove-unknown-role');
  replayed('delegation-remove-role-yes-flag-publish', DELEG, A);
  replayed('delegation-remove-unknown-key', DELEG, B);
  replayed('publish-delegation-removals', DELEG, A, 'delegation remove example.com/tr/deleg targets/a --all-paths');
  replayed('publish-delegation-remove-unknown-role', DELEG, 'delegation remove example.com/tr/deleg targets/zzz -y');
  replayed('delegation-purge');
  replayed('delegation-purge-unknown-key', DELEG, A);
});

describe('reading', () => {
  replayed('list-before-publish', 'init example.com/tr/one');
  replayed('list-empty-repository', 'init example.com/tr/two -p');
  replayed('list-unknown-gun');
  replayed('list-unknown-role', ONE);
  replayed('list-server-down-no-cache');
  replayed('list-after-add-publish-not-initialized', 'add example.com/tr/noinit3 t1 f1.txt -p');
  replayed('list-delegation-path', ...PATHS, 'add example.com/tr/paths ok/one f1.txt -r targets/p -p');
  replayed(
    'list-two-roles',
    ...PATHS,
    'add example.com/tr/paths ok/one f1.txt -r targets/p',
    'add example.com/tr/paths ok/two f2.txt -r targets -r targets/p -p',
  );
  replayed('lookup--scenario-d', ...CUSTOM, 'publish example.com/vec/custom');
  replayed('lookup-missing-target', ...CUSTOM, 'publish example.com/vec/custom');
  replayed('lookup-sha512-only', ONE, `addhash example.com/tr/one h2 0x10 -p --sha512 ${'b'.repeat(128)}`);
  replayed('lookup-unknown-gun');
  replayed('lookup-unknown-target', ONE);
  replayed('lookup-server-down-no-cache');
  replayed('lookup-server-down-with-cache', ONE, 'list example.com/tr/one');
  for (const name of ['verify-file-quiet', 'verify-output-file', 'verify-stdin', 'verify-unknown-target'])
    replayed(name, ONE);
  replayed('verify-wrong-content', ONE);
  replayed('verify-missing-input-file', ONE);
  replayed('verify-server-down-no-cache');
  replayed('config-missing-file');
  replayed('server-tls-cert-without-key');
});

describe('making and deleting', () => {
  replayed('init-success');
  replayed('init-again', 'init example.com/tr/again');
  replayed('init-again-after-publish', 'init example.com/tr/again -p');
  replayed('init-exists-remotely-other-client', `@other ${ONE}`);
  replayed('init-second-gun-reuses-root-key', ONE);
  replayed('init-publish-flag-server-down', ONE);
  replayed('init-server-down');
  replayed('init-rootkey-missing-file');
  replayed('init-rootkey-unencrypted');
  replayed('init-rootcert-only-no-key');
  for (const name of ['delete-unknown-gun', 'delete-remote-unknown-gun', 'delete-remote-server-down']) replayed(name);
  replayed('delete-local', 'init example.com/tr/del -p');
  replayed('delete-remote', 'init example.com/tr/del -p');
  replayed('list-after-delete-remote', 'init example.com/tr/del -p', 'delete example.com/tr/del --remote');
  replayed('init-after-delete-remote', 'init example.com/tr/del -p', 'delete example.com/tr/del --remote');
  replayed(
    'list-after-delete-local',
    'init example.com/tr/del -p',
    'add example.com/tr/del a f1.txt -p',
    'delete example.com/tr/del',
  );
});

describe('keys', () => {
  for (const name of [
    'key-list-empty',
    'key-generate',
    'key-generate-ecdsa-role',
    'key-generate-ed25519',
    'key-generate-rsa',
  ])
    replayed(name);
  for (const name of [
    'key-generate-output',
    'key-generate-targets-role',
    'key-generate-uppercase',
    'key-export-both-flags',
  ])
    replayed(name);
  for (const name of ['key-export-bad-output', 'key-export-unknown-gun', 'key-export-unknown-key', 'key-import-ec'])
    replayed(name);
  for (const name of ['key-import-missing-file', 'key-import-no-role', 'key-import-not-pem', 'key-import-public-key'])
    replayed(name);
  for (const name of ['key-import-root', 'key-import-targets-with-gun', 'key-import-targets-without-gun'])
    replayed(name);
  for (const name of ['key-import-two-files', 'key-passwd-short-id', 'key-passwd-unknown-key', 'key-remove-short-id'])
    replayed(name);
  replayed('key-remove-unknown');
  replayed(
    'key-list',
    'key generate',
    'key generate',
    'key generate -r targets',
    'key generate -r targets/rel',
    'key generate -r user',
  );
  replayed('key-list-after-import-no-role', 'key import e.pem');
  replayed('key-list-after-import-targets-with-gun', 'key import e.pem --role targets --gun example.com/tr/imp');
});

describe('rotation', () => {
  for (const name of ['key-rotate-bad-role', 'key-rotate-delegation-role', 'key-rotate-targets-server-managed'])
    replayed(name, ROT);
  for (const name of [
    'key-rotate-timestamp-not-server',
    'key-rotate-root-server-managed',
    'key-rotate-root-no-terminal',
  ])
    replayed(name, ROT);
  for (const name of ['key-rotate-targets', 'key-rotate-targets-key-file', 'key-rotate-snapshot-server-managed'])
    replayed(name, ROT);
  replayed('key-rotate-snapshot-with-key-and-server', ROT);
  replayed('key-rotate-snapshot-server-managed-again', ROT, 'key rotate example.com/tr/rot snapshot -r');
  replayed('key-rotate-unknown-gun');
  replayed('key-rotate-server-down', ROT);
  replayed('key-rotate-no-keys-client', `@other ${ROT}`);
  replayed('key-rotate-root', 'init example.com/vec/rotate -p');
  replayed('key-rotate-root-answer-no', 'init example.com/vec/rotate -p');
  replayed('key-rotate-timestamp', 'init example.com/vec/rotate -p');
  replayed(
    'key-rotate-snapshot-to-client',
    'init example.com/vec/rotate -p',
    'key rotate example.com/vec/rotate snapshot -r',
  );
});

used.add('init-rootkey-generated-output');
test('init-rootkey-generated-output', async () => {
  // a key in files is encrypted with the passphrase of no name in particular
  await stage.run(['key', 'generate', '-o', 'out2'], { env: { NOTARY_DELEGATION_PASSPHRASE: 'root-passphrase-1' } });
  const recorded = TRANSCRIPTS['init-rootkey-generated-output'] as Transcript;

  const ran = await stage.replay(recorded);

  expect([ran.exit, stage.plain(ran.stdout)]).toEqual([recorded.exit, stage.plain(recorded.stdout)]);
});

test('every recorded transcript that lies here is replayed', () => {
  expect(Object.keys(TRANSCRIPTS).filter((name) => !used.has(name))).toEqual([]);
});
