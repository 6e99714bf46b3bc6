// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { packTar, type TarHeader, unpackTar } from 'modern-tar';
import { encodeUtf8 } from '../encoding/index.ts';
import { RegistryClient } from './client.ts';
import { type PullOptions, pullImage, pushImage, type TransferProgress } from './copy.ts';
import { digestHex, digestOf } from './digest.ts';
import { embeddedRegistry, MemoryRegistryStorage } from './embedded/index.ts';
import { ImageFileError, RegistryError } from './errors.ts';
import { DockerArchiveSink, DockerArchiveSource, OciLayoutSink, OciLayoutSource } from './files/index.ts';
import { MEDIA } from './media-types.ts';
import { parsePlatform } from './platform.ts';
import { parseReference, withTag } from './reference.ts';
import { collect } from './streams.ts';

const reference = parseReference('registry.example.com/app:1');
const tarBytes = encodeUtf8('not really a tar, and long enough to be packed');
const layer = new Uint8Array(gzipSync(tarBytes));
const contentOf = (bytes: Uint8Array) => ({ digest: digestOf(bytes), size: bytes.length });
const json = (value: object) => encodeUtf8(JSON.stringify(value));

function imageFor(architecture: string) {
  const config = json({ os: 'linux', architecture, rootfs: { type: 'layers', diff_ids: [digestOf(tarBytes)] } });
  const manifest = json({
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    config: { mediaType: MEDIA.ociConfig, ...contentOf(config) },
    layers: [{ mediaType: MEDIA.ociLayer, ...contentOf(layer) }],
  });
  return { config, manifest, digest: digestOf(manifest) };
}
const amd64 = imageFor('amd64');
const arm64 = imageFor('arm64');
const entry = (image: typeof amd64, architecture: string) => ({
  mediaType: MEDIA.ociManifest,
  ...contentOf(image.manifest),
  platform: { os: 'linux', architecture },
});
const index = json({
  schemaVersion: 2,
  mediaType: MEDIA.ociIndex,
  manifests: [entry(amd64, 'amd64'), entry(arm64, 'arm64')],
});

let directory: string;
let client: RegistryClient;
let bend: (url: string) => Response | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'copy-'));
  bend = () => undefined;
  client = newClient();
  for (const blob of [amd64.config, arm64.config, layer])
    await client.uploadBlob('app', contentOf(blob), () => once(blob));
  for (const { manifest, digest } of [amd64, arm64])
    await client.putManifest('app', digest, MEDIA.ociManifest, manifest);
  await client.putManifest('app', '1', MEDIA.ociIndex, index);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function newClient(): RegistryClient {
  const registry = embeddedRegistry(new MemoryRegistryStorage());
  return new RegistryClient({
    host: 'registry.example.com',
    transport: async (url, init) =>
      bend(url) ?? registry.fetch(new Request(url, { ...init, duplex: 'half' } as RequestInit)),
  });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function failure<T extends Error>(kind: new (...args: never[]) => T, work: Promise<unknown>): Promise<T> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(kind);
  expect((error as T).message).not.toContain('\n');
  return error as T;
}

const pullInto = (path: string, options: PullOptions = {}) =>
  pullImage(client, reference, digestOf(index), new OciLayoutSink(path), options);

describe('an OCI layout', () => {
  test('holds a whole index, and pushing it again changes no digest', async () => {
    const { root, stored } = await pullInto(directory);
    expect([root.digest, stored.digest]).toEqual([digestOf(index), digestOf(index)]);
    expect(JSON.parse(await readFile(join(directory, 'oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' });
    const other = newClient();
    const pushed = await pushImage(new OciLayoutSource(directory, '1'), other, withTag(reference, '2'));
    expect(pushed.digest).toBe(digestOf(index));
    expect((await other.resolve('app', '2')).digest).toBe(digestOf(index));
    expect((await other.getManifest('app', arm64.digest)).bytes).toEqual(arm64.manifest);
  });

  test('holds one platform where one is asked for', async () => {
    const { root, stored } = await pullInto(directory, { platform: parsePlatform('linux/arm64') });
    expect([root.digest, stored.digest]).toEqual([digestOf(index), arm64.digest]);
    expect((await new OciLayoutSource(directory).root()).digest).toBe(arm64.digest);
    expect((await failure(RegistryError, pullInto(directory, { platform: parsePlatform('linux/s390x') }))).code).toBe(
      'not-found',
    );
  });

  test('takes a second image beside the first, and a moved tag in place of the old', async () => {
    await pullInto(directory);
    const sink = () => new OciLayoutSink(directory);
    await pullImage(client, withTag(reference, '2'), amd64.digest, sink());
    expect((await new OciLayoutSource(directory, '2').root()).digest).toBe(amd64.digest);
    await pullImage(client, withTag(reference, '2'), arm64.digest, sink());
    expect((await new OciLayoutSource(directory, '2').root()).digest).toBe(arm64.digest);
    expect((await new OciLayoutSource(directory, 'registry.example.com/app:1').root()).digest).toBe(digestOf(index));
    expect((await failure(ImageFileError, new OciLayoutSource(directory).root())).code).toBe('ambiguous');
    expect((await failure(ImageFileError, new OciLayoutSource(directory, '9').root())).code).toBe('not-found');
  });

  test('one platform of it can be pushed alone', async () => {
    await pullInto(directory);
    const other = newClient();
    const pushed = await pushImage(new OciLayoutSource(directory), other, reference, {
      platform: parsePlatform('linux/arm64'),
    });
    expect(pushed.digest).toBe(arm64.digest);
    expect((await failure(RegistryError, other.getManifest('app', amd64.digest))).code).toBe('not-found');
  });

  test('layers are shown as Docker shows them', async () => {
    const seen: TransferProgress[] = [];
    await pullInto(directory, { onProgress: (progress) => seen.push(progress) });
    const id = digestHex(digestOf(layer)).slice(0, 12);
    expect(new Set(seen.map((progress) => progress.id))).toEqual(new Set([id]));
    expect(seen.map(({ status }) => status)).toEqual([
      'Pulling fs layer',
      'Downloading',
      'Download complete',
      'Pull complete',
    ]);
    expect(seen[1]).toMatchObject({ current: layer.length, total: layer.length });
    seen.length = 0;
    await pullInto(directory, { onProgress: (progress) => seen.push(progress) });
    expect(seen.map(({ status }) => status)).toEqual(['Pulling fs layer', 'Already exists']);
  });

  test('S24 a blob that somebody else put there is not believed by its name', async () => {
    const path = join(directory, 'blobs', 'sha256', digestHex(digestOf(layer)));
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, new Uint8Array(layer.length));
    await pullInto(directory);
    expect(digestOf(new Uint8Array(await readFile(path)))).toBe(digestOf(layer));
  });

  test('S24 an altered blob stops the pull, and no image appears', async () => {
    await pullInto(directory, { platform: parsePlatform('linux/amd64') });
    const before = await readFile(join(directory, 'index.json'), 'utf8');
    bend = (url) =>
      url.includes(digestOf(arm64.config)) ? new Response(new Uint8Array(arm64.config.length)) : undefined;
    expect((await failure(RegistryError, pullInto(directory))).code).toBe('digest-mismatch');
    expect(await readFile(join(directory, 'index.json'), 'utf8')).toBe(before);
    expect((await readdir(join(directory, 'blobs', 'sha256'))).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('S24 an altered layout is not pushed', async () => {
    await pullInto(directory);
    await writeFile(join(directory, 'blobs', 'sha256', digestHex(digestOf(layer))), 'other');
    const other = newClient();
    expect((await failure(RegistryError, pushImage(new OciLayoutSource(directory), other, reference))).code).toBe(
      'length-mismatch',
    );
    expect((await failure(RegistryError, other.resolve('app', '1'))).code).toBe('not-found');
  });

  test('signed length: a manifest of another length is refused', async () => {
    expect((await failure(RegistryError, pullInto(directory, { size: index.length + 1 }))).code).toBe(
      'length-mismatch',
    );
  });

  test('bad input: no directory, a file in its place, no JSON, an endless index.json', async () => {
    const absent = join(directory, 'absent');
    expect((await failure(ImageFileError, new OciLayoutSource(absent).root())).message).toBe(
      `${absent}: no such file or directory`,
    );
    const other = join(directory, 'other');
    await mkdir(other);
    expect((await failure(ImageFileError, new OciLayoutSource(other).root())).message).toBe(
      `${other}: no OCI image layout: it has no index.json`,
    );
    const file = join(directory, 'file');
    await writeFile(file, '');
    expect((await failure(ImageFileError, pullInto(file))).message).toBe(`${file}: not a directory`);
    await writeFile(join(directory, 'index.json'), '{');
    expect((await failure(ImageFileError, new OciLayoutSource(directory).root())).code).toBe('malformed');
    await writeFile(join(directory, 'index.json'), new Uint8Array(5_000_000));
    expect((await failure(ImageFileError, new OciLayoutSource(directory).root())).code).toBe('too-large');
  });
});

describe('a docker archive', () => {
  const archived = () => join(directory, 'app.tar');
  const entriesOf = async (path: string) =>
    new Map((await unpackTar(new Uint8Array(await readFile(path)))).map(({ header, data }) => [header.name, data]));

  test('has what docker load needs, and keeps the digest', async () => {
    const { root, stored } = await pullImage(client, reference, digestOf(index), new DockerArchiveSink(archived()), {
      platform: parsePlatform('linux/arm64'),
    });
    expect([root.digest, stored.digest]).toEqual([digestOf(index), arm64.digest]);
    const files = await entriesOf(archived());
    const [listed] = JSON.parse(Buffer.from(files.get('manifest.json') ?? []).toString());
    expect(listed.RepoTags).toEqual(['registry.example.com/app:1']);
    expect(digestOf(files.get(listed.Config) as Uint8Array)).toBe(digestOf(arm64.config));
    expect(digestOf(files.get(listed.Layers[0]) as Uint8Array)).toBe(digestOf(layer));
    await using source = await DockerArchiveSource.open(archived());
    const other = newClient();
    expect((await pushImage(source, other, reference)).digest).toBe(arm64.digest);
    expect(await collect(other.blob('app', contentOf(layer)), 1000)).toEqual(layer);
  });

  test('the same image makes the same archive', async () => {
    for (const name of ['a', 'b'])
      await pullImage(client, reference, amd64.digest, new DockerArchiveSink(join(directory, name)));
    const hashes = await Promise.all(
      ['a', 'b'].map(async (name) =>
        createHash('sha256')
          .update(await readFile(join(directory, name)))
          .digest('hex'),
      ),
    );
    expect(hashes[0]).toBe(hashes[1]);
  });

  test('S24 an altered layer stops the pull, and the file is as it was', async () => {
    await writeFile(archived(), 'before');
    bend = (url) =>
      url.includes(`/blobs/${digestOf(layer)}`) ? new Response(new Uint8Array(layer.length)) : undefined;
    const work = pullImage(client, reference, amd64.digest, new DockerArchiveSink(archived()));
    expect((await failure(RegistryError, work)).code).toBe('digest-mismatch');
    expect(await readFile(archived(), 'utf8')).toBe('before');
    expect(await readdir(directory)).toEqual(['app.tar']);
  });

  test('a directory in which nothing can be made is one line, and nothing hangs', async () => {
    const blocked = join(directory, 'file', 'app.tar');
    await writeFile(join(directory, 'file'), '');
    const error = await failure(
      ImageFileError,
      pullImage(client, reference, amd64.digest, new DockerArchiveSink(blocked)),
    );
    expect(error.message).toBe(`${blocked}: not a directory`);
  });

  const config = json({
    os: 'linux',
    architecture: 'amd64',
    rootfs: { type: 'layers', diff_ids: [digestOf(tarBytes), digestOf(tarBytes)] },
  });
  type File = readonly [name: string, body: Uint8Array, header?: Partial<TarHeader>];
  const legacy: readonly File[] = [
    ['config.json', config],
    ['one/layer.tar', tarBytes],
    ['two/layer.tar', new Uint8Array(), { type: 'symlink', linkname: '../one/layer.tar' }],
    [
      'manifest.json',
      json([
        { Config: 'config.json', RepoTags: ['app:1', 'app:2'], Layers: ['one/layer.tar', 'two/layer.tar'] },
      ] as object),
    ],
  ];
  async function opened(
    files: readonly File[],
    wanted?: string,
    pack = (bytes: Uint8Array) => bytes,
  ): Promise<DockerArchiveSource> {
    const entries = files.map(([name, body, header]) => ({ header: { name, size: body.length, ...header }, body }));
    await writeFile(archived(), pack(await packTar(entries)));
    return DockerArchiveSource.open(archived(), { temporary: directory, ...(wanted === undefined ? {} : { wanted }) });
  }
  const refused = async (files: readonly File[], wanted?: string) => {
    const error = await failure(ImageFileError, opened(files, wanted));
    expect(await readdir(directory)).toEqual(['app.tar']);
    return error.code;
  };

  test('of an older Docker becomes a schema 2 image, its links followed, its layers packed', async () => {
    for (const pack of [undefined, (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes))]) {
      await using source = await opened(legacy, 'app:2', pack);
      const pushed = await pushImage(source, client, withTag(reference, 'old'));
      const { manifest } = await client.getManifest('app', 'old');
      expect(pushed.mediaType).toBe(MEDIA.dockerManifest);
      if (manifest.kind !== 'image') throw new Error('not an image');
      expect(manifest.config).toMatchObject(contentOf(config));
      const packed = (await collect(client.blob('app', manifest.layers[1] as never), 1000)) as Uint8Array;
      expect(digestOf(new Uint8Array(gunzipSync(packed)))).toBe(digestOf(tarBytes));
    }
    expect(await readdir(directory)).toEqual(['app.tar']);
  });

  test('S24 a layer that is not the config’s is refused, packed or not', async () => {
    const swapped = (body: Uint8Array): File[] =>
      legacy.map((file) => (file[0] === 'one/layer.tar' ? [file[0], body] : file));
    expect(await refused(swapped(encodeUtf8('other')))).toBe('malformed');
    expect(await refused(swapped(new Uint8Array(gzipSync('other'))))).toBe('malformed');
  });

  test.each(['../evil', '/etc/passwd', 'a/../../evil', 'a\\..\\evil'])(
    'S13 an entry named %s is refused',
    async (name) => {
      expect(await refused([...legacy, [name, encodeUtf8('x')]])).toBe('unsafe-path');
    },
  );

  test.each([
    ['symlink', '../../etc/passwd'],
    ['symlink', '/etc/passwd'],
    ['link', '../x'],
  ] as const)('S13 a %s to %s is refused', async (type, linkname) => {
    expect(await refused([...legacy, ['a/link', new Uint8Array(), { type, linkname }]])).toBe('unsafe-path');
  });

  test('S13 S23 links in circles, and the entries and bytes of an archive, have an end', async () => {
    const circle: File = ['one/layer.tar', new Uint8Array(), { type: 'symlink', linkname: 'layer.tar' }];
    expect(await refused(legacy.map((file) => (file[0] === circle[0] ? circle : file)))).toBe('malformed');
    await (await opened(legacy)).close();
    for (const limits of [
      { entries: 2, bytes: 1e9 },
      { entries: 100, bytes: 100 },
    ]) {
      const work = DockerArchiveSource.open(archived(), { limits, temporary: directory });
      expect((await failure(ImageFileError, work)).code).toBe('too-large');
    }
    expect(await readdir(directory)).toEqual(['app.tar']);
  });

  test.each<[string, readonly File[], string]>([
    ['no manifest.json', legacy.slice(0, 3), 'malformed'],
    ['no config', legacy.slice(1), 'malformed'],
    ['manifest.json without JSON', [...legacy.slice(0, 3), ['manifest.json', encodeUtf8('[')]], 'malformed'],
    ['manifest.json of numbers', [...legacy.slice(0, 3), ['manifest.json', encodeUtf8('[1]')]], 'malformed'],
    ['no image', [...legacy.slice(0, 3), ['manifest.json', encodeUtf8('[]')]], 'not-found'],
  ])('S22 %s is a typed error', async (_name, files, code) => {
    expect(await refused(files)).toBe(code as never);
  });

  test('S22 a cut-off archive, a page and an empty file are no archives', async () => {
    await (await opened(legacy)).close();
    const whole = new Uint8Array(await readFile(archived()));
    for (const bytes of [
      whole.subarray(0, 1500),
      encodeUtf8('<html>'.repeat(200)),
      new Uint8Array(),
      gzipSync(whole).subarray(0, 90),
    ]) {
      await writeFile(archived(), bytes);
      expect((await failure(ImageFileError, DockerArchiveSource.open(archived(), { temporary: directory }))).code).toBe(
        'malformed',
      );
      expect(await readdir(directory)).toEqual(['app.tar']);
    }
  });
});

test('S13 a layout whose blob is a link is checked like any other', async () => {
  await pullInto(directory);
  const path = join(directory, 'blobs', 'sha256', digestHex(digestOf(layer)));
  await rm(path);
  await symlink('/etc/hostname', path);
  const source = new OciLayoutSource(directory);
  expect(
    await failure(RegistryError, collect(source.blob({ mediaType: MEDIA.ociLayer, ...contentOf(layer) }), 1e6)),
  ).toBeDefined();
});
