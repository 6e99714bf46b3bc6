// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { EngineError } from '../engine/index.ts';
import { PublishError } from '../publisher/index.ts';
import { RegistryError } from '../registry/index.ts';
import { ListenError } from '../service/index.ts';
import { KeyStoreError } from '../signing/index.ts';
import { MetadataError, type RoleName } from '../tuf/index.ts';
import { failureOf } from './errors.ts';
import { UsageError } from './usage-error.ts';

const hintOf = (error: Error, subject = 'localhost:5000/app') => failureOf(error, subject).hint;

describe('a failure says what mends it', () => {
  test('an image that the engine does not have is tagged, or comes from a file', () => {
    const message = 'An image does not exist locally with the tag: localhost:5000/app';
    expect(hintOf(new EngineError('push-failed', message))).toMatch(/docker tag .*--from oci:DIR/);
  });

  test('without an engine one is named, or none is used', () => {
    expect(hintOf(new EngineError('unreachable', 'Cannot connect'))).toMatch(/DOCKER_HOST.*--output/);
    expect(hintOf(new EngineError('refused', 'no'))).toBeUndefined();
  });

  test('an image that the registry does not have is pushed', () => {
    const missing = new RegistryError('not-found', 'manifest app:7: manifest unknown');
    expect(hintOf(missing)).toEndWith('hallmark push localhost:5000/app:TAG');
    expect(hintOf(missing, '')).toBeUndefined();
    expect(hintOf(new RegistryError('timeout', 'no answer'))).toBeUndefined();
  });

  test('an owner who delegated signs by a delegation, or says that the own key is meant', () => {
    const hint = hintOf(new PublishError('no-delegation-key', 'no keys', { roles: ['targets/alice' as RoleName] }));
    expect(hint).toMatch(/targets\/alice.*hallmark sign --role targets localhost:5000\/app:TAG$/);
  });

  test('where no delegation may sign the tag, no key helps: one is widened', () => {
    const hint = hintOf(new PublishError('no-delegation-key', 'no keys', { roles: [] }));
    expect(hint).toMatch(/hallmark delegation add localhost:5000\/app targets\/NAME --path .* --role targets /);
  });

  test('a role whose keys were all taken away is given one', () => {
    const role = { roles: ['targets/alice' as RoleName], keyIds: [], needed: 1 };
    const hint = hintOf(new PublishError('no-signing-key', '1 more of no keys must sign', role));
    expect(hint).toEndWith('hallmark delegation add localhost:5000/app targets/alice KEYFILE');
  });

  test('what was staged on another state is published already, or staged anew', () => {
    const conflict = new PublishError('conflict', 'was staged on another state', { roles: ['targets' as RoleName] });
    expect(hintOf(conflict)).toMatch(/hallmark inspect localhost:5000\/app, and stage it anew/);
    expect(hintOf(new PublishError('conflict', 'a newer version was published meanwhile'))).toBeUndefined();
  });

  test('a passphrase that is wrong came from somewhere', () => {
    expect(hintOf(new KeyStoreError('wrong-passphrase', 'wrong passphrase for alice key'))).toContain(
      '--passphrase-file',
    );
  });

  test('a role that has no such name, and an address that is taken', () => {
    expect(hintOf(new MetadataError('malformed', 'invalid role name "alice"'))).toContain('targets/alice');
    const taken = Object.assign(new Error('in use'), { code: 'EADDRINUSE' });
    expect(hintOf(new ListenError('127.0.0.1', 4443, taken))).toContain('another program');
    expect(hintOf(new ListenError('127.0.0.1', 1, new Error('no')))).toBeUndefined();
  });

  test('a command line that is wrong leads to the help of its command', () => {
    expect(failureOf(new UsageError('no'), '', 'hallmark key rotate').hint).toBe("see 'hallmark key rotate --help'");
    expect(failureOf(new UsageError('no'), '').hint).toBe("see 'hallmark --help'");
  });
});
