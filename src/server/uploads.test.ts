// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { signFile, signJson } from '../../test/support/repository-builder.ts';
import { invalidUpdate, multipart, refusalOf, TrustStage } from '../../test/support/trust-stage.ts';
import { decodeJsonObject, decodeUtf8, encodeUtf8, type JsonObject, type JsonValue } from '../encoding/index.ts';

/** A published repository, and what becomes of a text in place of its next targets. */
async function nextTargets() {
  const stage = new TrustStage();
  const publisher = await stage.published();
  const good = decodeUtf8(publisher.bump('targets').file('targets'));
  const body = decodeJsonObject(encodeUtf8(good)).get('signed') as JsonObject;
  return {
    stage,
    publisher,
    good,
    refusal: (text: string) => stage.refusal(publisher.gun, new Map([['targets', encodeUtf8(text)]])),
    /** Rightly signed, with one field of the body changed. */
    signed: (name: string, value: JsonValue) =>
      stage.refusal(
        publisher.gun,
        new Map([['targets', signJson(new Map(body).set(name, value), publisher.signers.targets)]]),
      ),
    stored: () => stage.versions(publisher.gun, 'targets', 'timestamp'),
  };
}

describe('an uploaded file', () => {
  test.each([
    ['', 'empty'],
    ['null-ish', 'no JSON'],
    ['{"signed"', 'truncated'],
    ['[1]', 'an array'],
    ['"text"', 'a string'],
    ['\ufeff{}', 'a byte order mark'],
    ['{"signed":[],"signatures":[]}', 'a body of the wrong type'],
    ['{"signed":{"version":"1"},"signatures":[]}', 'a version in quotes'],
    ['{"signed":{"version":1.5},"signatures":[]}', 'a fractional version'],
    ['{"signed":{"version":99999999999999999999},"signatures":[]}', 'a huge version'],
    ['{"signed":{"expires":"tomorrow"},"signatures":[]}', 'a date that is none'],
    ['{"signed":{"expires":3},"signatures":[]}', 'a number for a date'],
    ['{"signed":{},"signatures":{}}', 'signatures of the wrong type'],
    ['{"signed":{},"signatures":[{"sig":"%%%"}]}', 'a signature that is no base64'],
    ['['.repeat(100_000), 'S23 nesting without end'],
  ])('%#: %p is malformed JSON, as Notary has it', async (text) => {
    const { refusal, stored } = await nextTargets();

    expect(await refusal(text)).toMatchObject({ status: 400, code: 'MALFORMED_JSON' });
    expect(await stored()).toEqual([1, 1]);
  });

  test.each(['{}', 'null', '{"signed":{}}', '{"signed":null,"signatures":null}', '{"signed":{},"signatures":[]}'])(
    '%p has no signatures, in the words of Notary',
    async (text) => {
      const { refusal } = await nextTargets();
      expect(await refusal(text)).toEqual(invalidUpdate('ErrBadTargets', 'tuf: data has no signatures'));
    },
  );

  test('S10 an unknown field outside of what is signed is refused, and nothing is stored', async () => {
    const { refusal, good, stored } = await nextTargets();

    expect(await refusal(good.replace(/}$/, ',"extra":1}'))).toMatchObject({ detail: { Name: 'ErrBadTargets' } });
    expect(await stored()).toEqual([1, 1]);
  });

  test('S11 duplicate keys and bytes behind the end are refused', async () => {
    const { refusal, good, stored } = await nextTargets();

    expect(await refusal(good.replace('{"signed":', '{"signed":{},"signed":'))).toMatchObject({
      code: 'MALFORMED_JSON',
    });
    expect(await refusal(`${good}{}`)).toMatchObject({ code: 'MALFORMED_JSON' });
    expect(await stored()).toEqual([1, 1]);
  });

  test('W server accepts non-canonical uploads: what Go would write otherwise is refused', async () => {
    const { refusal, signed, good, stored } = await nextTargets();
    const refusals = [
      await refusal(`${good}\n`),
      await refusal(good.replace('{"signed":', '{ "signed":')),
      await refusal(good.replace(/^\{("signed":.*),("signatures":.*)\}$/, '{$2,$1}')),
      await signed('spec_version', '1.0'),
      await signed('expires', '2029-11-23T12:00:00+00:00'),
      await signed('expires', '2029-11-23T12:00:00.120Z'),
      await signed('targets', new Map([['t', new Map([['hashes', new Map()]])]])),
    ];

    for (const refused of refusals) expect(refused).toMatchObject({ detail: { Name: 'ErrBadTargets' } });
    expect(await stored()).toEqual([1, 1]);
  });

  test('characters that Go escapes are taken when they are escaped', async () => {
    const { publisher, stage } = await nextTargets();
    const file = publisher.addTarget('<&>\u2028').file('targets');

    expect(decodeUtf8(file)).toContain('\\u003c\\u0026\\u003e\\u2028');
    expect(await stage.refusal(publisher.gun, new Map([['targets', file]]))).toBeUndefined();
    expect(await stage.versions(publisher.gun, 'targets')).toEqual([2]);
  });

  test('W server never validates target hashes: a hash of a wrong length is refused', async () => {
    const { signed } = await nextTargets();
    const target = new Map<string, JsonValue>([
      ['hashes', new Map([['sha256', 'AAAA']])],
      ['length', 1],
    ]);

    expect(await signed('targets', new Map([['t', target]]))).toMatchObject({ detail: { Name: 'ErrBadTargets' } });
  });

  test('with a wrong type or version is refused under its role', async () => {
    const { signed } = await nextTargets();
    for (const [name, value] of [
      ['_type', 'Snapshot'],
      ['_type', 'targets'],
      ['version', 0],
      ['version', -1],
      ['targets', []],
      ['delegations', null],
    ] as const) {
      expect(await signed(name, value)).toMatchObject({ detail: { Name: 'ErrBadTargets' } });
    }
  });
});

describe('the parts of an upload', () => {
  test.each(['foo', 'Targets', 'target', 'targets/', 'targets/A', 'targets/a b', 'targets/a//b', '/targets', 'root/x'])(
    'S13 %p is no role',
    async (role) => {
      const { stage, publisher, good } = await nextTargets();
      expect(await stage.refusal(publisher.gun, new Map([[role, encodeUtf8(good)]]))).toEqual({
        status: 400,
        code: 'INVALID_ROLE',
        detail: role,
      });
    },
  );

  test('S13 traversal in a role name is refused', async () => {
    const { stage, publisher, good } = await nextTargets();
    for (const role of ['targets/../x', '..%2fx', '../../etc/passwd', 'targets/..']) {
      expect(await stage.refusal(publisher.gun, new Map([[role, encodeUtf8(good)]]))).toMatchObject({
        code: 'INVALID_ROLE',
      });
    }
  });

  test('need a file name', async () => {
    const { stage, publisher, good } = await nextTargets();
    for (const name of ['', '.json']) {
      expect(await stage.refusal(publisher.gun, new Map([[name, encodeUtf8(good)]]))).toEqual({
        status: 400,
        code: 'NO_FILENAME',
        detail: undefined,
      });
    }
  });

  test('name each role once, so that no copy is verified and another stored', async () => {
    const { stage, publisher, good, stored } = await nextTargets();
    const twice = multipart([
      ['targets', encodeUtf8(good)],
      ['targets.json', encodeUtf8(good)],
    ]);
    const response = await stage.request('POST', `/v2/${publisher.gun}/_trust/tuf/`, twice);

    expect(await refusalOf(response)).toMatchObject({ code: 'MALFORMED_UPLOAD' });
    expect(await stored()).toEqual([1, 1]);
  });

  test('S23 more bytes, files or bytes of one role than allowed are refused', async () => {
    const limits = { bodyBytes: 4000, files: 2, roleBytes: { root: 3000, targets: 400, snapshot: 10, timestamp: 10 } };
    const stage = new TrustStage({ limits });
    const publisher = await stage.publisher();
    const large = { status: 413, code: 'TOO_LARGE' };
    const root = publisher.file('root');

    expect(await stage.refusal(publisher.gun, new Map([['root', new Uint8Array(5000)]]))).toMatchObject(large);
    expect(await stage.refusal(publisher.gun, new Map([['targets', new Uint8Array(401)]]))).toMatchObject(large);
    expect(
      await stage.refusal(publisher.gun, new Map([...'abc'].map((name) => [`targets/${name}`, root.subarray(0, 1)]))),
    ).toMatchObject(large);
  });

  test('S23 an endless body is cut off at the limit', async () => {
    const stage = new TrustStage({ limits: { bodyBytes: 100_000 } });
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 10_000;
        controller.enqueue(new Uint8Array(10_000));
      },
    });
    const headers = { 'Content-Type': 'multipart/form-data; boundary=b' };
    const response = await stage.request('POST', '/v2/a/_trust/tuf/', { body: endless, headers });

    expect(response.status).toBe(413);
    expect(sent).toBeLessThan(200_000);
  });

  test('W error bodies stay below the KiB that clients read', async () => {
    const { stage, publisher, signed } = await nextTargets();
    const role = `targets/${'\u{1f600}'.repeat(400)}`;
    const bodies = [
      await (await stage.upload(publisher.gun, new Map([[role, new Uint8Array()]]))).text(),
      JSON.stringify(await signed('x'.repeat(2000), 1)),
      JSON.stringify(await signed('"'.repeat(2000), 1)),
    ];
    const root = signFile(publisher.root);
    bodies.push(await (await stage.upload(publisher.gun, new Map([['root', root]]))).text());

    for (const body of bodies) expect(Buffer.byteLength(body)).toBeLessThan(1024);
  });
});
