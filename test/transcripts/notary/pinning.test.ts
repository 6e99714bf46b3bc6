// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync, rmSync } from 'node:fs';
import { NO_PINS, storePins } from '../../../src/client/index.ts';
import { type KeyId, keyId, notaryV1, type PublicKey } from '../../../src/tuf/index.ts';
import { TranscriptStage } from './stage.ts';

const GUN = 'example.com/tr/one';
const OTHER = 'ab'.repeat(32);
const LISTED = '\nNo targets present in this repository.\n\n';
const PATH = '\n* fatal: could not validate the path to a trusted root: ';
const UNMATCHED = `${PATH}unable to match any certificates to trust_pinning config\n`;

describe('trust pinning by the configuration, for a user who never used the collection', () => {
  let stage: TranscriptStage;
  let root: PublicKey;

  beforeAll(async () => {
    stage = await TranscriptStage.open();
    await stage.run(['init', GUN, '-p'], { user: 'owner' });
    await stage.run(['init', 'example.com/Tr/Capital', '-p'], { user: 'owner' });
    const file = new Uint8Array(readFileSync(stage.path('owner/.notary/tuf', GUN, 'metadata/root.json')));
    const { signed } = notaryV1.decode('root', file);
    root = signed.keys.get(signed.roles.get('root')?.keyIds[0] as never) as PublicKey;
    stage.write('root.pem', root.bytes);
  });
  afterAll(() => stage.close());

  async function listWith(pinning: unknown, { gun = GUN, file = 'pin.json', text = '' } = {}) {
    const config = { remote_server: { url: stage.server }, trust_pinning: pinning };
    stage.write(file, text === '' ? JSON.stringify(config) : text);
    rmSync(stage.path('reader'), { recursive: true, force: true });
    const ran = await stage.run(['-c', file, '-d', stage.path('reader/.notary'), 'list', gun], { user: 'reader' });
    return [ran.exit, ran.stdout] as const;
  }

  test('its certificate, alone, with another, or by a wildcard', async () => {
    const id = keyId(root);
    for (const certs of [{ [GUN]: [id] }, { [GUN]: [OTHER, id] }, { 'example.com/tr/*': [id] }])
      expect(await listWith({ certs })).toEqual([0, LISTED]);
    expect(await listWith({ certs: { [GUN]: [id] }, disable_tofu: true })).toEqual([0, LISTED]);
  });

  test('another certificate is refused, exactly or by a wildcard, and so is an empty list', async () => {
    for (const certs of [{ [GUN]: [OTHER] }, { 'example.com/*': [OTHER] }, { [GUN]: [] }])
      expect(await listWith({ certs })).toEqual([1, UNMATCHED]);
  });

  test('certs that are no list are an error', async () => {
    expect(await listWith({ certs: { [GUN]: OTHER } })).toEqual([
      1,
      '\n* fatal: invalid format for trust_pinning.certs\n',
    ]);
  });

  test('an authority that did not sign the root, holds none, or is not there', async () => {
    stage.write('none.pem', '');
    for (const file of ['none.pem', 'nofile.pem', 'root.pem'])
      expect(await listWith({ ca: { 'example.com/tr': stage.path(file) } })).toEqual([
        1,
        `${PATH}invalid CA certs provided\n`,
      ]);
  });

  test('without trust on first use and without a pin nothing is trusted; the pin of another name is none', async () => {
    const certs = { 'example.com/other': [OTHER] };
    expect(await listWith({ disable_tofu: true, certs })).toEqual([1, `${PATH}invalid trust pinning specified\n`]);
    expect(await listWith({ certs })).toEqual([0, LISTED]);
  });

  test('W pinning: a pin of a name with capitals holds', async () => {
    const gun = 'example.com/Tr/Capital';
    expect(await listWith({ certs: { [gun]: [OTHER] } }, { gun })).toEqual([1, UNMATCHED]);
  });

  test('what hallmark pins in the same directory holds as well', async () => {
    const pinned = await stage.run(['init', 'example.com/tr/pinned', '-p'], { user: 'owner' });
    expect(pinned.exit).toBe(0);
    const directory = stage.path('pinned', '.notary');
    storePins(directory, {
      certs: new Map([['example.com/tr/pinned', [OTHER as KeyId]]]),
      keys: new Map(),
      ca: new Map(),
    });
    const list = () => stage.run(['list', 'example.com/tr/pinned'], { user: 'pinned' });
    expect(await list()).toMatchObject({ exit: 1, stdout: UNMATCHED });
    storePins(directory, NO_PINS);
    expect((await list()).exit).toBe(0);
  });

  test('the configuration may be YAML or TOML', async () => {
    const server = `remote_server:\n  url: ${stage.server}\n`;
    const yaml = `${server}trust_pinning:\n  certs:\n    ${GUN}: ['${OTHER}']\n`;
    expect(await listWith({}, { file: 'pin.yml', text: yaml })).toEqual([1, UNMATCHED]);
    const toml = `[remote_server]\nurl = "${stage.server}"\n[trust_pinning.certs]\n"${GUN}" = ["${OTHER}"]\n`;
    expect(await listWith({}, { file: 'pin.toml', text: toml })).toEqual([1, UNMATCHED]);
  });

  test('S8 skipTLSVerify is refused, in any spelling', async () => {
    for (const name of ['skipTLSVerify', 'skiptlsverify']) {
      const text = JSON.stringify({ remote_server: { url: stage.server, [name]: true } });
      const [exit, stdout] = await listWith({}, { text });
      expect([exit, stdout]).toEqual([1, expect.stringContaining('remote_server.skipTLSVerify is refused')]);
    }
  });

  test('plain http is refused for another machine', async () => {
    const ran = await stage.run(['-s', 'http://trust.example.com', 'list', GUN]);
    expect([ran.exit, ran.stdout]).toEqual([1, expect.stringContaining('plain http is for this machine alone')]);
  });

  test('a configuration that cannot be read is an error, whatever the command', async () => {
    const ran = await stage.run(['-c', 'bad.json', 'list', GUN]);
    expect([ran.exit, ran.stdout]).toEqual([
      1,
      expect.stringMatching(/^\n\* fatal: error opening config file: While parsing config: /),
    ]);
  });
});
