// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { createPublicKey } from 'node:crypto';
import { type AuthenticationError, type Authenticator, tokenAuthenticator } from '../../src/server/auth/index.ts';
import { libtrustFingerprint } from '../../src/server/auth/trusted-keys.ts';
import { SILENT_LOG } from '../../src/service/index.ts';
import { x5cOf } from '../support/token-issuer.ts';
import { makeImage, startDockerd, startRegistry } from './support/dockerd.ts';
import { believing, type GuardedServer, knowing, startGuarded } from './support/guarded-server.ts';
import { promise } from './support/journal.ts';
import { expectSuccess, writeContent } from './support/notary-world.ts';
import { Stage } from './support/stage.ts';
import { type Misbehaviour, TokenServer } from './support/token-server.ts';
import { User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

const OWNER = 'owner:secret-of-owner';
const PUSHER = 'pusher:secret-of-pusher';
const PULLER = 'puller:secret-of-puller';
const USERS = { owner: 'secret-of-owner', pusher: 'secret-of-pusher', puller: 'secret-of-puller' };
const RULES = [
  { users: ['owner'], gun: '*', allow: ['*'] },
  { users: ['pusher'], gun: '*', allow: ['pull', 'push'] },
  { users: ['puller'], gun: '*', allow: ['pull'] },
] as const;
const TOKEN_USERS = {
  owner: { password: USERS.owner, actions: ['pull', 'push', '*'] },
  pusher: { password: USERS.pusher, actions: ['pull', 'push'] },
  puller: { password: USERS.puller, actions: ['pull'] },
};

let stage: Stage;
let tokens: TokenServer;
let closedTokens: TokenServer;
let registry: string;
let dockerHost: string;

beforeAll(async () => {
  stage = new Stage();
  tokens = new TokenServer(TOKEN_USERS, ['pull']);
  closedTokens = new TokenServer(TOKEN_USERS, []);
  [registry, dockerHost] = [await startRegistry(stage), await startDockerd(stage)];
}, START_MILLISECONDS);
afterAll(async () => {
  await tokens?.close();
  await closedTokens?.close();
  await stage?.close();
});

interface Mode {
  readonly name: string;
  readonly isPublic: boolean;
  open(): Promise<Authenticator>;
}

const MODES: readonly Mode[] = [
  { name: 'tokens of a token server, which lets everybody pull', isPublic: true, open: () => believing(stage, tokens) },
  { name: 'tokens of a token server', isPublic: false, open: () => believing(stage, closedTokens) },
  { name: 'an htpasswd file', isPublic: false, open: () => knowing(stage, USERS, { rules: RULES }) },
  {
    name: 'an htpasswd file, and everybody may pull',
    isPublic: true,
    open: () => knowing(stage, USERS, { rules: RULES, publicRead: true }),
  },
];

describe.each(MODES)('$name', ({ isPublic, open }) => {
  let guarded: GuardedServer;
  const gun = 'example.com/interop/guarded';
  const people = new Map<string, User>();

  beforeAll(async () => {
    guarded = await startGuarded(stage, await open());
  }, START_MILLISECONDS);
  afterAll(() => guarded?.listener.stop());

  const person = (name: string): User => {
    const known = people.get(name) ?? new User(stage, `${name}-${guarded.listener.port}`, guarded.server, dockerHost);
    people.set(name, known);
    return known;
  };
  const stored = async () => (await guarded.storage.changes({ from: 'oldest', limit: 1000 })).length;
  /** Does what must be refused, and sees that nothing was stored. */
  const refused = async (work: () => Promise<{ code: number }>) => {
    const before = await stored();
    expect((await work()).code).not.toBe(0);
    expect(await stored()).toBe(before);
  };

  promise(
    'notary: publishes with a login that may, not without one, with a wrong one, or one that may only pull',
    async () => {
      const publisher = person('publisher');
      const { path } = writeContent(publisher, 'one', 'content of one');
      await refused(() => publisher.notary('init', gun));
      await refused(() => publisher.notaryAs('pusher:wrong', 'init', gun));
      await refused(() => publisher.notaryAs(PULLER, 'init', gun));
      expectSuccess(await publisher.notaryAs(PUSHER, 'init', gun));
      expectSuccess(await publisher.notary('add', gun, 'one', path));
      await refused(() => publisher.notary('publish', gun));
      await refused(() => publisher.notaryAs('pusher:wrong', 'publish', gun));
      await refused(() => publisher.notaryAs(PULLER, 'publish', gun));
      expectSuccess(await publisher.notaryAs(PUSHER, 'publish', gun));
      expect(await stored()).toBe(1);
    },
  );

  promise('notary: reads with a login, and without one where everybody may', async () => {
    expect(expectSuccess(await person('reader').notaryAs(PULLER, 'list', gun))).toContain('one');
    const anonymous = await person('anonymous').notary('list', gun);
    expect({ code: anonymous.code, found: anonymous.stdout.includes('one') }).toEqual(
      isPublic ? { code: 0, found: true } : { code: 1, found: false },
    );
  });

  promise("notary: changes the server's keys, and deletes, only with every right", async () => {
    const publisher = person('publisher');
    await refused(() => publisher.notaryAs(PUSHER, 'key', 'rotate', gun, 'timestamp', '-r'));
    expectSuccess(await publisher.notaryAs(OWNER, 'key', 'rotate', gun, 'timestamp', '-r'));
    await refused(() => publisher.notaryAs(PUSHER, 'delete', gun, '--remote'));
    expectSuccess(await publisher.notaryAs(OWNER, 'delete', gun, '--remote'));
    expect((await person('late-reader').notaryAs(PULLER, 'list', gun)).code).toBe(1);
  });

  promise('docker: pushes, signs, inspects and pulls with the login of the registry', async () => {
    const repository = `${registry}/guarded/${guarded.listener.port}`;
    const [publisher, stranger] = [person('docker-publisher'), person('docker-stranger')];
    for (const tag of ['1', '2']) await makeImage(stage, dockerHost, `${repository}:${tag}`, `content of ${tag}`);

    await refused(() => stranger.docker('push', `${repository}:1`));
    stranger.logIn(registry, PULLER);
    await refused(() => stranger.docker('push', `${repository}:1`));
    publisher.logIn(registry, PUSHER);
    expectSuccess(await publisher.docker('push', `${repository}:1`));
    expectSuccess(await publisher.docker('trust', 'sign', `${repository}:2`));
    expectSuccess(await publisher.docker('trust', 'inspect', repository));
    const pulled = expectSuccess(await stranger.docker('pull', `${repository}:1`));
    expect(pulled).toContain(`Pull (1 of 1): ${repository}:1@sha256:`);
    expect((await person('docker-anonymous').docker('pull', `${repository}:1`)).code === 0).toBe(isPublic);
  });

  promise("hallmark: does all of it, changes the server's keys only with every right", async () => {
    const repository = `${registry}/guarded/own-${guarded.listener.port}`;
    const [publisher, reader] = [person('own-publisher'), person('own-reader')];
    await makeImage(stage, dockerHost, `${repository}:1`, 'content of 1');

    await refused(() => publisher.hallmark('push', `${repository}:1`));
    publisher.logIn(registry, PULLER);
    await refused(() => publisher.hallmark('push', `${repository}:1`));
    publisher.logIn(registry, 'pusher:wrong');
    await refused(() => publisher.hallmark('push', `${repository}:1`));
    publisher.logIn(registry, PUSHER);
    expectSuccess(await publisher.hallmark('push', `${repository}:1`));
    await refused(() => publisher.hallmark('key', 'rotate', repository, 'timestamp'));
    publisher.logIn(registry, OWNER);
    expectSuccess(await publisher.hallmark('key', 'rotate', repository, 'timestamp'));
    expect((await person('own-anonymous').hallmark('verify', `${repository}:1`)).code === 0).toBe(isPublic);
    reader.logIn(registry, PULLER);
    expectSuccess(await reader.hallmark('verify', `${repository}:1`));
    expect((await reader.hallmark('pull', `${repository}:1`)).code).toBe(0);
  });

  promise('hallmark called as notary: the same', async () => {
    const [face, own] = [person('face'), 'example.com/interop/face'];
    const as = (login: string, ...args: string[]) => face.notaryFaceAs(login, ...args);
    const { path } = writeContent(face, 'two', 'content of two');
    await refused(() => face.notaryFace('init', own));
    await refused(() => as(PULLER, 'init', own, '-p'));
    expectSuccess(await as(PUSHER, 'init', own));
    expectSuccess(await as(PUSHER, 'add', own, 'two', path, '-p'));
    expect(expectSuccess(await as(PULLER, 'list', own))).toContain('two');
    await refused(() => as(PUSHER, 'key', 'rotate', own, 'timestamp', '-r'));
    expectSuccess(await as(OWNER, 'key', 'rotate', own, 'timestamp', '-r'));
    expectSuccess(await as(OWNER, 'delete', own, '--remote'));
  });
});

describe('a token that is not good', () => {
  let guarded: GuardedServer;
  const gun = 'example.com/interop/misbehaving';

  beforeAll(async () => {
    guarded = await startGuarded(stage, await believing(stage, tokens));
  }, START_MILLISECONDS);
  afterAll(() => guarded?.listener.stop());

  promise('lets nobody publish: expired, of another issuer, for another service, signed with another key', async () => {
    const user = new User(stage, 'misbehaving', guarded.server, dockerHost);
    const repository = `${registry}/guarded/misbehaving`;
    await makeImage(stage, dockerHost, `${repository}:1`, 'content');
    user.logIn(registry, OWNER);
    const wrongs: readonly Misbehaviour[] = ['expired', 'other issuer', 'other service', 'other key'];
    for (const wrong of wrongs) {
      tokens.misbehaves = wrong;
      const outcomes = await Promise.all([
        user.notaryAs(OWNER, 'init', '-p', gun),
        user.docker('push', `${repository}:1`),
        user.hallmark('sign', `${repository}:1`),
      ]);
      expect({ wrong, codes: outcomes.map(({ code }) => code === 0) }).toEqual({ wrong, codes: [false, false, false] });
    }
    tokens.misbehaves = undefined;
    expect(await guarded.storage.changes({ from: 'oldest', limit: 10 })).toEqual([]);
    expectSuccess(await user.docker('push', `${repository}:1`));
  });
});

describe('a key of the bundle', () => {
  promise(
    'has the same names for the original registry as for us: libtrust fingerprint, chain, and no other',
    async () => {
      const { issuer } = tokens;
      const [leaf, kid] = [issuer.certificate, libtrustFingerprint(createPublicKey(issuer.key))];
      const names = { realm: tokens.realm, service: issuer.names.service, issuer: issuer.names.issuer };
      const bundle = issuer.writeBundle(stage.makeDirectory('bundle'), leaf, issuer.authority);
      const theirs = await startRegistry(stage, { token: { ...names, rootcertbundle: bundle } });
      const ours = await tokenAuthenticator({
        ...names,
        certificates: bundle,
        clock: () => new Date(),
        log: SILENT_LOG,
      });
      const headers = [{ kid }, { x5c: x5cOf(leaf) }, { x5c: x5cOf(leaf, issuer.authority) }, { kid: 'AAAA' }, {}];
      const judged = headers.map(async (header) => {
        const authorization = `Bearer ${await issuer.token({ access: [] }, header)}`;
        const { status } = await fetch(`http://${theirs}/v2/`, { headers: { authorization } });
        const request = new Request(`http://${theirs}/v2/`, { headers: { authorization } });
        const error = await ours.authenticate(request, { kind: 'ping' }).catch((reason: unknown) => reason);
        const isGood = (error as AuthenticationError).message === 'token grants too little';
        return [status === 200, isGood];
      });
      expect(await Promise.all(judged)).toEqual([
        [true, true],
        [true, true],
        [true, true],
        [false, false],
        [false, false],
      ]);
    },
  );
});
