// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { AuthenticationUnavailableError, openToAll, TooManyAttemptsError } from '../auth/index.ts';
import { MemoryStorage } from '../storage/index.ts';
import { CONSOLE_ROUTES, consoleRoute, isForConsole, readerDoor, readOnly } from './console-door.ts';

const at = (path: string) => new Request(`https://trust.example.com:4443${path}`);

test('on the server’s own port only what is below /console is for the console', () => {
  for (const path of ['/console', '/console/', '/console/expiry?x', '/console?x']) {
    expect(isForConsole(at(path))).toBe(true);
    // HTTP/1.0 without a host: the URL is the path
    expect(isForConsole({ url: path })).toBe(true);
  }
  for (const path of ['/', '/v2/', '/consoles', '/v2/console/_trust/tuf/root.json', '/v2/a/console/_trust/tuf/']) {
    expect(isForConsole(at(path))).toBe(false);
    expect(isForConsole({ url: path })).toBe(false);
  }
});

test('S23 whatever is asked for, its route is one of a fixed set', () => {
  expect(consoleRoute(at('/console/'))).toBe('ConsoleOverview');
  expect(consoleRoute(at('/console/history?gun=/console/audit'))).toBe('ConsoleHistory');
  for (const path of ['/', '/console', '/console/x', '/console/style.0.css', '/console/constructor']) {
    expect(consoleRoute(at(path))).toBe('ConsoleOther');
    expect(CONSOLE_ROUTES).toContain(consoleRoute(at(path)));
  }
});

test('the console is given calls that read, and none that writes', () => {
  const names = ['audit', 'byHash', 'byVersion', 'collections', 'current', 'expiring', 'history'];
  expect(Object.keys(readOnly(new MemoryStorage())).sort()).toEqual(names);
});

test('a refusal is an answer, anything else goes on as the error that it is', async () => {
  const failing = (error: Error) => readerDoor({ ...openToAll, reader: () => Promise.reject(error) }).enter(at('/'));
  expect(await readerDoor(openToAll).session(at('/'))).toEqual({ refused: 'unknown' });
  expect(await failing(new TooManyAttemptsError(9))).toEqual({ refused: 'too-many', retryAfterSeconds: 9 });
  expect(await failing(new AuthenticationUnavailableError('x'))).toEqual({ refused: 'unavailable' });
  await expect(failing(new Error('broken'))).rejects.toThrow('broken');
});
