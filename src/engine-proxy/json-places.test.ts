// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { JsonPlaces } from './json-places.ts';
import { AmbiguousRequestError } from './request-head.ts';

describe('places in JSON', () => {
  test('property: a document with a text replaced is the document with that text replaced', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string().filter((key) => key.toLowerCase() !== 'image'),
          fc.jsonValue(),
        ),
        fc.string(),
        fc.string(),
        (rest, before, after) => {
          const object = JSON.parse(JSON.stringify({ ...rest, Image: before })) as Record<string, unknown>;
          const document = new JsonPlaces(Buffer.from(JSON.stringify(object)));
          const [place] = document.texts('image');
          if (place === undefined) throw new Error('not found');
          expect(JSON.parse(Buffer.from(document.replaced(new Map([[place, after]]))).toString())).toEqual({
            ...object,
            Image: after,
          });
        },
      ),
    );
  });

  test('S22 property: what is no JSON is refused, and nothing else is thrown', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        try {
          new JsonPlaces(Buffer.from(text));
          expect(isJson).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(AmbiguousRequestError);
        }
      }),
    );
  });

  test('S31 a text of millions of characters is read as fast as it comes', () => {
    for (const [written, length] of [
      ['x'.repeat(3_900_000), 3_900_000],
      ['\\n'.repeat(1_900_000), 1_900_000],
      ['\\\\'.repeat(1_900_000), 1_900_000],
      ['\\"'.repeat(1_900_000), 1_900_000],
    ] as const) {
      const document = new JsonPlaces(Buffer.from(`{"Labels":{"a":"${written}"},"Image":"app:1"}`));
      expect(document.texts('Labels', 'a')[0]?.value).toHaveLength(length);
      expect(document.texts('Image')[0]?.value).toBe('app:1');
    }
    expect(() => new JsonPlaces(Buffer.from(`{"a":"${'\\"'.repeat(1_900_000)}`))).toThrow(AmbiguousRequestError);
  });

  test('S11 a member that Go passes over is none, so that nothing else is run than what was judged', () => {
    for (const member of ['\\u0131mage', '\\u0130mage', 'Image\\u0000', 'Ima\\u200bge', '\\uff29mage'])
      expect(new JsonPlaces(Buffer.from(`{"${member}":"app:1"}`)).texts('Image')).toEqual([]);
  });

  test('S11 members are found as Go finds them: without regard to case, the long s and the Kelvin sign included', () => {
    const document = new JsonPlaces(Buffer.from('{"HostConfig":{"Mount\u017f":[{"Type":"image","\u017fource":"a"}]}}'));
    expect(
      document
        .items('HostConfig', 'Mounts')
        .flatMap((item) => item.texts('Source'))
        .map(({ value }) => value),
    ).toEqual(['a']);
    const twice = new JsonPlaces(Buffer.from('{"Mounts":[],"Mount\u017f":[]}'));
    expect(() => twice.items('Mounts')).toThrow(AmbiguousRequestError);
  });
});
