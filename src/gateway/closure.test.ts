// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { modeOf, scratchDirectories } from '../../test/support/scratch.ts';
import { decodeManifest, digestOf, MEDIA, parseDigest } from '../registry/index.ts';
import { ClosureStore } from './closure.ts';

const fresh = scratchDirectories();
const APP = { domain: 'r.example.com', path: 'app' };
const OTHER = { domain: 'r.example.com', path: 'other' };
const digest = (letter: string) => parseDigest(`sha256:${letter.repeat(64)}`);

function manifestOf(layer: string, { size = 5, note = '', type = MEDIA.ociLayer as string } = {}) {
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    config: { mediaType: MEDIA.ociConfig, digest: digest('c'), size: 2 },
    layers: [{ mediaType: type, digest: digest(layer), size }],
    annotations: { note },
  });
  const bytes = new TextEncoder().encode(text);
  const known = { digest: digestOf(bytes), mediaType: MEDIA.ociManifest, bytes };
  return { known, manifest: decodeManifest(bytes, MEDIA.ociManifest) };
}

function open(path: string, clock = () => new Date(0), bytes = 1 << 20): Promise<ClosureStore> {
  return ClosureStore.open(path, clock, { bytes });
}

describe('the closure', () => {
  test('knows what a manifest names, in its repository alone, also after a restart', async () => {
    const path = join(fresh(), 'closure.db');
    const store = await open(path);
    const { known, manifest } = manifestOf('a');
    await store.keep(APP, known, manifest);
    await store.tagged(APP, known.digest, '1');
    await store.close();
    expect(modeOf(path)).toBe('0600');
    const again = await open(path);
    expect(await again.manifest(APP, known.digest)).toEqual(known);
    expect(await again.ancestors(APP, digest('a'))).toEqual([known.digest]);
    expect(await again.descriptor(APP, digest('a'))).toEqual({
      mediaType: MEDIA.ociLayer,
      digest: digest('a'),
      size: 5,
    });
    expect(await again.tagsOf(APP, known.digest)).toEqual(['1']);
    expect([await again.manifest(OTHER, known.digest), await again.ancestors(OTHER, digest('a'))]).toEqual([
      undefined,
      [],
    ]);
    await again.close();
  });

  test('a layer that manifests state differently has no description: one of them may be unsigned', async () => {
    const store = await open(':memory:');
    for (const size of [5, 6]) {
      const { known, manifest } = manifestOf('a', { size });
      await store.keep(APP, known, manifest);
    }
    expect(await store.descriptor(APP, digest('a'))).toBeUndefined();
    expect(await store.ancestors(APP, digest('a'))).toHaveLength(2);
    await store.close();
  });

  test('S23 holds no more than it may: what was not used for longest goes first, with all it led to', async () => {
    const path = join(fresh(), 'closure.db');
    let now = 0;
    const all = ['0', '1', '2', '3', '4', '5', '6', '7'].map((letter) => manifestOf(letter, { note: 'x'.repeat(500) }));
    const size = all[0]?.known.bytes.length ?? 0;
    const store = await open(path, () => new Date(now), size * 5);
    for (const { known, manifest } of all) {
      now += 7_200_000;
      await store.keep(APP, known, manifest);
      await store.keep(APP, known, manifest);
      // the first is asked for again and again
      await store.manifest(APP, all[0]?.known.digest ?? known.digest);
    }
    const left = await Promise.all(
      all.map(async ({ known }) => (await store.manifest(APP, known.digest)) !== undefined),
    );
    expect(left).toEqual([true, false, false, false, false, true, true, true]);
    expect(await store.ancestors(APP, digest('1'))).toEqual([]);
    await store.close();
  });
});
