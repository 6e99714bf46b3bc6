// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureOwnTls } from '../../src/service/index.ts';
import { freePort } from '../support/free-port.ts';
import { promise } from './support/journal.ts';
import { expectSuccess, type NotaryWorld, openNotaryWorld } from './support/notary-world.ts';
import { cleanEnvironment, hallmarkProgram, repositoryRoot } from './support/programs.ts';
import { START_MILLISECONDS } from './support/world.ts';

const gun = 'registry.example.com/acme/app';
const GOOD = 'ab'.repeat(32);

describe('admission webhook over TLS, trust data by a notary-server', () => {
  let world: NotaryWorld;
  let url: string;
  let ca: string;

  beforeAll(async () => {
    world = await openNotaryWorld('notary');
    const owner = world.user('owner');
    expectSuccess(await owner.notary('init', gun, '-p'));
    expectSuccess(await owner.notary('addhash', gun, 'v1', '11', '--sha256', GOOD, '-p'));
    const directory = world.stage.makeDirectory('admission');
    const { caFile, certFile, keyFile } = await ensureOwnTls(directory, [], new Date());
    ca = readFileSync(caFile, 'utf8');
    const policy = join(directory, 'policy.yaml');
    const rule = `  - images: registry.example.com/acme/**\n    server: ${world.server.url}\n    ca: ${world.server.ca}\n    first-use: true\n`;
    writeFileSync(policy, `version: 1\nrules:\n${rule}`, { mode: 0o600 });
    const port = await freePort();
    const argv = [
      'admission',
      '--policy',
      policy,
      '--state',
      join(directory, 'state'),
      '--listen',
      `127.0.0.1:${port}`,
    ];
    const service = world.stage.start(
      'hallmark admission',
      [...hallmarkProgram(), ...argv, '--tls-cert', certFile, '--tls-key', keyFile],
      {
        env: cleanEnvironment({ HOME: directory }),
        cwd: repositoryRoot,
      },
    );
    await service.line(/^ready admission=/m);
    url = `https://localhost:${port}/admit`;
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  async function ask(image: string): Promise<{ allowed: boolean; patch?: string; status?: { code: number } }> {
    const object = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image }] } };
    const request = {
      uid: 'u',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      operation: 'CREATE',
      namespace: 'default',
      object,
    };
    const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
    const response = await fetch(url, { method: 'POST', body, tls: { ca } });
    return ((await response.json()) as { response: { allowed: boolean } }).response;
  }

  promise('a signed image is admitted by its digest', async () => {
    const { allowed, patch } = await ask(`${gun}:v1`);
    expect(allowed).toBe(true);
    expect(JSON.parse(Buffer.from(patch ?? '', 'base64').toString())).toEqual([
      { op: 'replace', path: '/spec/containers/0/image', value: `${gun}:v1@sha256:${GOOD}` },
    ]);
  });

  promise('an unsigned one and one of another registry are refused', async () => {
    expect(await ask(`${gun}:unsigned`)).toMatchObject({ allowed: false, status: { code: 403 } });
    expect(await ask('docker.io/library/alpine')).toMatchObject({ allowed: false, status: { code: 403 } });
    expect(await ask(`${gun}:v1@sha256:${'ee'.repeat(32)}`)).toMatchObject({ allowed: false, status: { code: 403 } });
  });

  promise('many at once are each answered for itself', async () => {
    const asked = Array.from({ length: 30 }, (_, index) => `${gun}:${index % 2 === 0 ? 'v1' : 'unsigned'}`);
    const answers = await Promise.all(asked.map(ask));
    expect(answers.map(({ allowed }) => allowed)).toEqual(asked.map((image) => image.endsWith(':v1')));
  });
});
