// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { TranscriptStage } from './stage.ts';

const GUN = 'example.com/tr/one';
const base64 = (text: string) => Buffer.from(text).toString('base64');
const NOT_AUTHORIZED = '\n* fatal: you are not authorized to perform this operation: server returned 401.\n';

describe('a trust server that wants to know who is there', () => {
  const seen = new Set<string | null>();
  let stage: TranscriptStage;

  beforeAll(async () => {
    stage = await TranscriptStage.open((request) => {
      const authorization = request.headers.get('authorization');
      seen.add(authorization);
      if (authorization === `Basic ${base64('pusher:se:cret')}`) return undefined;
      return new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="trust"' } });
    });
  });
  afterAll(() => stage.close());

  const run = (auth: string, ...args: string[]) => stage.run(args, { env: auth === '' ? {} : { NOTARY_AUTH: auth } });

  test('is told by NOTARY_AUTH, for writing and for reading', async () => {
    const auth = base64('pusher:se:cret');
    expect((await run(auth, 'init', GUN, '-p')).exit).toBe(0);
    expect(await run(auth, 'list', GUN)).toMatchObject({ exit: 0 });
    expect(await run(auth, 'delete', GUN, '--remote')).toMatchObject({ exit: 0 });
  });

  test('refuses the wrong one, and nobody', async () => {
    for (const auth of [base64('pusher:wrong'), ''])
      expect(await run(auth, 'list', 'example.com/tr/other')).toMatchObject({ exit: 1, stdout: NOT_AUTHORIZED });
  });

  test('gets nothing of a NOTARY_AUTH that is no login, and the log does not show it', async () => {
    const ran = await run(base64('tokenwithoutcolon'), 'list', 'example.com/tr/other');
    expect(ran).toMatchObject({ exit: 1, stdout: NOT_AUTHORIZED });
    expect(ran.stderr).toContain('level=error msg="NOTARY_AUTH is not base64 of USER:PASSWORD, and not used"');
    expect(ran.stderr).not.toContain('token');
    expect([...seen].some((value) => value?.includes('token'))).toBe(false);
  });
});

describe('S33 a login goes nowhere but to the server', () => {
  test('a token service elsewhere is refused, and is not asked', async () => {
    const stage = await TranscriptStage.open(
      () =>
        new Response(null, {
          status: 401,
          headers: { 'www-authenticate': 'Bearer realm="https://thief.example.net/token",service="trust"' },
        }),
    );
    const ran = await stage.run(['list', GUN], { env: { NOTARY_AUTH: base64('pusher:secret') } });
    expect([ran.exit, ran.stdout]).toEqual([1, expect.stringContaining('thief.example.net: refused')]);
    await stage.close();
  });
});
