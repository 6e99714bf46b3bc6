// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { signJson } from '../../test/support/repository-builder.ts';
import { TrustStage } from '../../test/support/trust-stage.ts';
import { decodeJsonObject, type JsonObject, type JsonValue } from '../encoding/index.ts';

/** What is served to whoever asks, byte for byte. */
async function served(stage: TrustStage, gun: string): Promise<string> {
  const roles = ['root', 'targets', 'snapshot', 'timestamp', 'targets/releases'];
  const files = await Promise.all(roles.map((role) => stage.bytes(gun, `${role}.json`)));
  return files.map((bytes) => Buffer.from(bytes ?? []).toString('latin1')).join('\n');
}

async function target() {
  const stage = new TrustStage();
  const publisher = await stage.publisher();
  publisher.delegate('targets/releases');
  await stage.upload(publisher.gun, publisher.addTarget('latest').all());
  return { stage, publisher, before: await served(stage, publisher.gun) };
}

const role = fc.constantFrom(
  'root',
  'targets',
  'snapshot',
  'timestamp',
  'targets/releases',
  'targets/x',
  'targets.json',
);
const odd: fc.Arbitrary<JsonValue> = fc.constantFrom<JsonValue>(
  null,
  true,
  -1,
  0,
  2 ** 53,
  '',
  '\ud7ff',
  '__proto__',
  [],
  new Map(),
  new Map([['__proto__', null]]),
);

/** Every path to a value inside. */
function paths(value: JsonValue, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  const inner: [string | number, JsonValue][] =
    value instanceof Map ? [...value] : Array.isArray(value) ? value.map((member, index) => [index, member]) : [];
  return [...(path.length > 0 ? [path] : []), ...inner.flatMap(([key, member]) => paths(member, [...path, key]))];
}

function replaced(value: JsonValue, [key, ...rest]: readonly (string | number)[], by: JsonValue): JsonValue {
  if (key === undefined) return by;
  if (value instanceof Map) {
    return new Map([...value].map(([name, member]) => [name, name === key ? replaced(member, rest, by) : member]));
  }
  return (value as readonly JsonValue[]).map((member, index) => (index === key ? replaced(member, rest, by) : member));
}

describe('S22 whatever is uploaded', () => {
  test('random bytes under any role give a refusal, never a 500, and change nothing that is served', async () => {
    const { stage, publisher, before } = await target();
    const upload = fc.array(fc.tuple(role, fc.uint8Array({ maxLength: 60 })), { minLength: 1, maxLength: 3 });

    await fc.assert(
      fc.asyncProperty(upload, async (files) => {
        // a timestamp is passed over, and then the update is an empty one
        const real = new Map(files.filter(([name]) => name !== 'timestamp'));
        if (real.size === 0) return;
        expect((await stage.upload(publisher.gun, real)).status).toBe(400);
      }),
      { numRuns: 150 },
    );
    expect(await served(stage, publisher.gun)).toBe(before);
  });

  test('bytes of good files changed anywhere are refused, and change nothing that is served', async () => {
    const { stage, publisher, before } = await target();
    publisher.bump('root', 'targets', 'targets/releases');
    const good = publisher.all();
    const change = fc.record({ name: fc.constantFrom(...good.keys()), at: fc.nat(), to: fc.nat(255) });

    await fc.assert(
      fc.asyncProperty(change, async ({ name, at, to }) => {
        const bytes = Uint8Array.from(good.get(name) ?? []);
        const index = at % bytes.length;
        if (bytes[index] === to) return;
        bytes[index] = to;
        const { status } = await stage.upload(publisher.gun, new Map(good).set(name, bytes));
        expect(status).toBe(400);
      }),
      { numRuns: 150 },
    );
    expect(await served(stage, publisher.gun)).toBe(before);
  });

  test('rightly signed files with any value replaced give 200 or 400, and what is served stays readable', async () => {
    const { stage, publisher } = await target();
    const { targets, root } = publisher.signers;
    for (const [name, signers] of [
      ['targets', [targets]],
      ['root', [root]],
    ] as const) {
      const file = publisher.bump(name).file(name);
      const body = decodeJsonObject(file).get('signed') as JsonObject;
      const change = fc.record({ path: fc.constantFrom(...paths(body)), to: odd });

      await fc.assert(
        fc.asyncProperty(change, async ({ path, to }) => {
          const mutant = signJson(replaced(body, path, to), ...signers);
          const { status } = await stage.upload(publisher.gun, new Map([[name, mutant]]));
          expect([200, 400]).toContain(status);
          for (const role of ['root', 'targets', 'snapshot', 'timestamp']) {
            expect((await stage.get(publisher.gun, `${role}.json`)).status).toBe(200);
          }
        }),
        { numRuns: 100 },
      );
    }
  });

  test('any path and method give an answer that is no 500', async () => {
    const { stage } = await target();
    const part = fc.constantFrom(
      'v2',
      '_trust',
      'tuf',
      'a',
      '..',
      '.',
      '',
      '%2e',
      '%00',
      '%ff',
      'root.json',
      'x.key',
      '*',
    );
    const request = fc.record({
      method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH'),
      path: fc.array(part, { maxLength: 8 }),
    });

    await fc.assert(
      fc.asyncProperty(request, async ({ method, path }) => {
        const { status } = await stage.request(method, `/${path.join('/')}`);
        expect(status).toBeLessThan(500);
      }),
      { numRuns: 300 },
    );
  });
});
