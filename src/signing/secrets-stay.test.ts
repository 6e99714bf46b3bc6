// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { encodeBase64, encodeHex, encodeUtf8 } from '../encoding/index.ts';
import { decodeKeyFile, encodeKeyFile, openKeyFile, PrivateKey, sealKey } from './index.ts';
import { unwrapKey, wrapKey } from './service-keys/jwe.ts';

/** All that a log, a crash or a user could see of a value: every field of it and of its causes, and its own words. */
function shown(value: unknown): string {
  const causes: string[] = [];
  for (let at = value; at instanceof Error; at = at.cause) causes.push(at.message, String(at.stack));
  return [inspect(value, { depth: 20, showHidden: true }), JSON.stringify(value), String(value), ...causes].join('\n');
}

async function failureOf(work: Promise<unknown>): Promise<Error> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof Error)) throw new Error('it did not fail');
  return error;
}

/** Letters of many scripts, and enough of them that nothing else says the same by chance. */
const passphrase = fc
  .string({ unit: 'grapheme', minLength: 12, maxLength: 40 })
  .filter((text) => text.trim().length > 11);
const algorithm = fc.constantFrom('ecdsa', 'ed25519' as const);

test('property 3: whatever the key, the passphrase and the damage, neither shows in an error or in what holds the key', async () => {
  await fc.assert(
    fc.asyncProperty(algorithm, passphrase, passphrase, fc.nat(), async (kind, right, wrong, place) => {
      fc.pre(right !== wrong);
      const key = PrivateKey.generate(kind);
      const bare = key.encodeBare();
      const sealed = encodeKeyFile(await sealKey(key, { role: 'root' }, right));
      const wrapped = await wrapKey(bare, right);
      const damaged = sealed.with(place % sealed.length, 0x21);
      const cut = wrapped.slice(0, place % wrapped.length);
      const openBytes = async (bytes: Uint8Array, by: string) => openKeyFile(decodeKeyFile(bytes), by);

      const all = [
        shown(key),
        shown(await openBytes(sealed, right)),
        shown(await failureOf(openBytes(sealed, wrong))),
        shown(await failureOf(unwrapKey(wrapped, wrong))),
        shown(await failureOf(unwrapKey(cut, right))),
        shown(await openBytes(damaged, right).catch((error: unknown) => error)),
      ].join('\n');

      const secret = Buffer.from(key.object.export({ format: 'jwk' }).d ?? '', 'base64url');
      expect(secret.length).toBe(32);
      const told = [right, wrong, JSON.stringify(right).slice(1, -1), JSON.stringify(wrong).slice(1, -1)];
      const printed = [
        [...secret].slice(0, 8).join(', '),
        (encodeHex(secret).match(/../g) ?? []).slice(0, 8).join(' '),
      ];
      const forms = [encodeHex(secret), encodeBase64(bare), encodeBase64(encodeUtf8(right)), ...printed];
      for (const form of [...told, ...forms]) expect(all.includes(form)).toBe(false);
    }),
    { numRuns: 25 },
  );
});
