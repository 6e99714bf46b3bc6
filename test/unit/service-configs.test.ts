// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadServerConfig, type ServerSettings, serverConfigSchema } from '../../src/server/config/index.ts';
import { ConfigError } from '../../src/service/config/index.ts';
import { loadSignerConfig, type SignerSettings, signerConfigSchema } from '../../src/signer/config/index.ts';
import { readVectorJson } from '../support/vectors.ts';

/** What Debian's notary-server and notary-signer were started with, and what they said. */
interface Recorded {
  readonly program: 'notary-server' | 'notary-signer';
  readonly config: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The message that it ended with; it started where there is none. */
  readonly fatal?: string;
}

const recorded: Readonly<Record<string, Recorded>> = readVectorJson('service-configs/notary.json');
/** Only seen when files are read, addresses bound and databases asked. */
const SEEN_AT_START = [
  'server-address-in-use',
  'server-bad-ca-file',
  'server-mysql-unreachable',
  'signer-bad-client-ca',
];
/** The originals' programs lack SQLite. */
const WORKS_HERE = ['server-sqlite', 'signer-sqlite'];
const OTHER_WORDS: Readonly<Record<string, string>> = {
  'server-bad-json': 'not JSON',
  'signer-no-tls': 'unable to set up TLS: Could not load X509 key pair',
};

const directory = mkdtempSync(join(tmpdir(), 'hallmark-service-configs-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let count = 0;
function file(content: string | object, extension = 'json'): string {
  count += 1;
  const path = join(directory, `${count}.${extension}`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const server = async (content: string | object, env = {}): Promise<ServerSettings> =>
  (await loadServerConfig(file(content), env)).settings;
const signer = async (content: string | object, env = {}): Promise<SignerSettings> =>
  (await loadSignerConfig(file(content), env)).settings;

async function refusal(loading: Promise<unknown>): Promise<string> {
  const error = await loading.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof ConfigError)) throw new Error(`no ConfigError but ${String(error)}`);
  return error.message;
}

describe("Notary's own configurations, as recorded", () => {
  for (const [name, { program, config, env = {}, fatal }] of Object.entries(recorded)) {
    const load = program === 'notary-server' ? loadServerConfig : loadSignerConfig;
    if (fatal === undefined || SEEN_AT_START.includes(name) || WORKS_HERE.includes(name)) {
      test(`${name} is understood`, async () => {
        expect((await load(file(config), env, 'notary')).form).toBe('notary');
      });
    } else {
      test(`${name} is refused as the original refuses it`, async () => {
        expect(await refusal(load(file(config), env, 'notary'))).toContain(OTHER_WORDS[name] ?? fatal);
      });
    }
  }
});

const REMOTE = {
  server: {
    http_addr: ':4443',
    tls_cert_file: 'server.crt',
    tls_key_file: '/etc/server.key',
    client_ca_file: 'ca.crt',
  },
  trust_service: {
    type: 'remote',
    hostname: 'signer',
    port: '7899',
    key_algorithm: 'ed25519',
    tls_ca_file: 'ca.crt',
    tls_client_cert: 'client.crt',
    tls_client_key: 'client.key',
  },
  storage: { backend: 'postgres', db_url: 'postgres://notary@db/notary?sslmode=disable' },
};

describe("the server's configuration in Notary's form", () => {
  test('every key has its place', async () => {
    const settings = await server({
      ...REMOTE,
      auth: {
        type: 'token',
        options: {
          realm: 'https://auth/token',
          issuer: 'i',
          service: 's',
          rootcertbundle: 'bundle.crt',
          autoredirect: true,
        },
      },
      caching: { max_age: { current_metadata: 0, consistent_metadata: '31536000' } },
      repositories: { gun_prefixes: ['docker.io/', 'example.com/team/'] },
      logging: { level: 'DEBUG' },
    });
    const [ca, cert] = [join(directory, 'ca.crt'), join(directory, 'client.crt')];
    expect(settings).toMatchObject({
      listen: { hostname: '0.0.0.0', port: 4443 },
      tls: { cert: join(directory, 'server.crt'), key: '/etc/server.key', clientCa: ca },
      storage: { engine: 'postgres', url: 'postgres://notary@db/notary?sslmode=disable' },
      keys: { at: 'signer', hostname: 'signer', port: 7899, tls: { ca, cert, key: join(directory, 'client.key') } },
      keyAlgorithm: 'ed25519',
      auth: { type: 'token', realm: 'https://auth/token', issuer: 'i', service: 's', autoRedirect: true },
      gunPrefixes: ['docker.io/', 'example.com/team/'],
      cacheAges: { current: 0, consistent: 31_536_000 },
      logLevel: 'debug',
      warnings: [],
    });
  });

  test('keys are the same in capitals, and the environment stands in for them', async () => {
    const settings = await server(
      JSON.stringify(REMOTE).replace('"http_addr"', '"HTTP_Addr"').replace('"storage"', '"Storage"'),
      {
        NOTARY_SERVER_SERVER_HTTP_ADDR: 'localhost:4444',
        NOTARY_SERVER_STORAGE_BACKEND: 'memory',
        NOTARY_SERVER_REPOSITORIES_GUN_PREFIXES: 'a/ b/',
      },
    );
    expect(settings).toMatchObject({
      listen: { hostname: 'localhost', port: 4444 },
      storage: { engine: 'memory' },
      gunPrefixes: ['a/', 'b/'],
      cacheAges: { current: 300, consistent: 2_592_000 },
      logLevel: 'error',
    });
  });

  test('W an auth type that nobody knows is an error, and never an open door', async () => {
    for (const auth of [{ type: 'tokn' }, { type: 'Token' }, { type: 'none' }, { options: {} }]) {
      expect(await refusal(server({ ...REMOTE, auth }))).toContain('auth.type');
    }
    expect((await server(REMOTE)).warnings).toEqual([expect.stringContaining('no auth')]);
  });

  test('S8 a half of the TLS files, or a client authority without them, is never plain HTTP', async () => {
    const halves = [{ tls_cert_file: 'a' }, { tls_key_file: 'a' }, { client_ca_file: 'a' }];
    for (const half of halves) {
      expect(await refusal(server({ ...REMOTE, server: { http_addr: ':1', ...half } }))).toContain('disable TLS');
    }
    const plain = await server({ ...REMOTE, server: { http_addr: ':1' } });
    expect([plain.tls, plain.warnings[0]]).toEqual(['plain', expect.stringContaining('no TLS')]);
  });

  test('S4 a signing service is spoken to with certificates on both sides alone', async () => {
    const { tls_ca_file: _, ...withoutCa } = REMOTE.trust_service;
    const { tls_client_cert: _cert, tls_client_key: _key, ...withoutClient } = REMOTE.trust_service;
    expect(await refusal(server({ ...REMOTE, trust_service: withoutCa }))).toContain('mutual TLS');
    expect(await refusal(server({ ...REMOTE, trust_service: withoutClient }))).toContain('mutual TLS');
  });

  test('RethinkDB and rsa keys, which cannot work, are refused; what is not obeyed is told', async () => {
    expect(await refusal(server({ ...REMOTE, storage: { backend: 'rethinkdb', database: 'n' } }))).toContain(
      'RethinkDB',
    );
    expect(
      await refusal(server({ ...REMOTE, trust_service: { ...REMOTE.trust_service, key_algorithm: 'rsa' } })),
    ).toContain('rsa');
    const { warnings } = await server({
      ...REMOTE,
      storage: { ...REMOTE.storage, tls_ca_file: 'x' },
      reporting: { bugsnag: { api_key: 'k' } },
    });
    expect(warnings.join()).toMatch(/storage\.tls_ca_file.*reporting\.bugsnag does nothing/);
  });

  test('an unknown key is an error, as nowhere in the original', async () => {
    expect(await refusal(server({ ...REMOTE, caching: { maxage: {} } }))).toContain('did you mean max_age?');
  });

  test('prefixes that could serve other names than they show are refused', async () => {
    for (const prefix of ['', '/', '/a/', '../', 'a//', 'a/../', './a/', 'a']) {
      expect(await refusal(server({ ...REMOTE, repositories: { gun_prefixes: [prefix] } }))).toContain(
        'invalid GUN prefix',
      );
    }
  });
});

const OWN = {
  server: { listen: '[::]:4443', tls: { cert: 'server.crt', key: 'server.key' } },
  storage: {
    engine: 'postgres',
    url: 'postgres://hallmark@db/hallmark',
    passwordFile: 'pw',
    tls: { ca: 'ca.crt' },
    poolSize: 5,
  },
  signer: { address: 'signer:7899', tls: { ca: 'ca.crt', cert: 'c.crt', key: 'c.key' } },
  auth: { type: 'none' },
};

describe("the server's configuration in Hallmark's own form", () => {
  test('a whole one', async () => {
    const settings = await server({
      ...OWN,
      limits: { body: '8MiB', file: { targets: '2MiB' }, idle: '30s', bodyTime: '1m', drain: '2m' },
      caching: { current: 60 },
    });
    expect(settings).toMatchObject({
      listen: { hostname: '::', port: 4443 },
      tls: { cert: join(directory, 'server.crt') },
      storage: {
        engine: 'postgres',
        passwordFile: join(directory, 'pw'),
        tls: { ca: join(directory, 'ca.crt') },
        poolSize: 5,
      },
      keys: { at: 'signer', hostname: 'signer', port: 7899 },
      limits: { idleSeconds: 30, drainSeconds: 120, update: { bodyMs: 60_000 } },
      cacheAges: { current: 60, consistent: 2_592_000 },
    });
    expect(settings.limits.update).toMatchObject({
      bodyBytes: 8 * 1024 ** 2,
      roleBytes: { targets: 2 * 1024 ** 2, root: 1024 ** 2 },
    });
  });

  test('what could never be a header or a network is told with its place, and not by failing requests', async () => {
    const wrong = {
      server: { ...OWN.server, proxies: { addresses: ['10.0.0.0/8', '10.0.0.0/33'], requestIdHeader: 'X Request Id' } },
      tracing: { endpoint: 'http://127.0.0.1:4318/v1/traces', headerFiles: { 'x:y': 'token' } },
    };
    const told = await refusal(server({ ...OWN, ...wrong }));

    expect(told).toContain('server.proxies.addresses[1]: is no IP address or network');
    expect(told).toContain('server.proxies.requestIdHeader: is no name of a header');
    expect(told).toContain('tracing.headerFiles.x:y: is no name of a header');
    expect(told.split('; ')).toHaveLength(3);
  });

  test('what is renewed has to live longer than the time before its end at which it is renewed', async () => {
    const told = await refusal(server({ ...OWN, renewal: { timestamp: '14d', snapshot: '1095d' } }));

    expect(told).toContain('renewal.timestamp: is not shorter than a timestamp lives, which is 14 days');
    expect(told).toContain('renewal.snapshot: is not shorter than a snapshot lives, which is 1095 days');
    const { renewal } = await server({ ...OWN, renewal: { timestamp: '13d', snapshot: '1094d' } });
    expect(renewal).toMatchObject({ timestamp: 13 * 86_400, snapshot: 1094 * 86_400 });
  });

  test('S8 TLS or plaintext has to be said', async () => {
    expect(await refusal(server({ ...OWN, server: { listen: ':1' } }))).toContain('tls is missing');
    expect(await refusal(server({ ...OWN, server: { ...OWN.server, plaintext: true } }))).toContain(
      'either tls or plaintext',
    );
    expect((await server({ ...OWN, server: { listen: ':1', plaintext: true } })).tls).toBe('plain');
  });

  test('who may do what, and who holds the keys, has to be said', async () => {
    const { auth: _, ...withoutAuth } = OWN;
    const { signer: service, ...withoutKeys } = OWN;
    expect(await refusal(server(withoutAuth))).toContain('auth: is missing');
    expect(await refusal(server(withoutKeys))).toContain('either signer');
    expect(await refusal(server({ ...OWN, keys: { storage: { engine: 'memory' } } }))).toContain('either signer');
    const embedded = {
      ...withoutKeys,
      keys: { storage: { engine: 'sqlite', file: 'k.db' }, passphraseFiles: { hallmark: 'p' } },
    };
    expect((await server(embedded)).keys).toMatchObject({
      at: 'database',
      defaultAlias: 'hallmark',
      passphraseFiles: { hallmark: join(directory, 'p') },
    });
    expect(service).toBeDefined();
  });

  test('keys of one storage engine are not silently given to another', async () => {
    const storages = [
      { engine: 'sqlite', file: 'x', url: 'y' },
      { engine: 'memory', file: 'x' },
      { engine: 'postgres', file: 'x', url: 'y' },
      { engine: 'sqlite' },
      { engine: 'mysql' },
      { engine: 'mysql', url: 'y', tls: { cert: 'x' } },
    ];
    for (const storage of storages) expect(await refusal(server({ ...OWN, storage }))).toMatch(/: storage\./);
  });

  test('the environment stands in for keys under its own prefix', async () => {
    const env = { HALLMARK_SERVER_SERVER_LISTEN: ':1', HALLMARK_SERVER_STORAGE_URL: 'postgres://other/db' };
    expect(await server(OWN, env)).toMatchObject({ listen: { port: 1 }, storage: { url: 'postgres://other/db' } });
  });

  test('a variable of that prefix which stands for no key is an error that names it: here, clients without certificates would get in', async () => {
    const misspelt = server(OWN, {
      HALLMARK_SERVER_SERVER_TLS_CLIENT_CAS: 'ca.crt',
      HALLMARK_SERVER_NOTHING_LIKE_IT: 'x',
    });
    const said = await refusal(misspelt);
    expect(said).toContain(
      'HALLMARK_SERVER_SERVER_TLS_CLIENT_CAS: stands for no key; did you mean HALLMARK_SERVER_SERVER_TLS_CLIENTCA?',
    );
    expect(said).toMatch(/HALLMARK_SERVER_NOTHING_LIKE_IT: stands for no key$/);
  });

  test('what Kubernetes says of services called hallmark-server is no setting', async () => {
    const env = {
      HALLMARK_SERVER_SERVICE_HOST: '10.0.0.1',
      HALLMARK_SERVER_SERVICE_PORT: '4443',
      HALLMARK_SERVER_SERVICE_PORT_HTTPS: '4443',
      HALLMARK_SERVER_PORT: 'tcp://10.0.0.1:4443',
      HALLMARK_SERVER_PORT_4443_TCP: 'tcp://10.0.0.1:4443',
      HALLMARK_SERVER_PORT_4443_TCP_ADDR: '10.0.0.1',
      HALLMARK_SERVER_METRICS_SERVICE_HOST: '10.0.0.2',
    };
    expect(await server(OWN, env)).toEqual(await server(OWN));
  });
});

const SIGNER = {
  server: { grpc_addr: ':7899', tls_cert_file: 's.crt', tls_key_file: 's.key', client_ca_file: 'ca.crt' },
  storage: { backend: 'mysql', db_url: 'signer:pw@tcp(db:3306)/signer?parseTime=True', default_alias: 'one' },
};

describe("the signer's configuration", () => {
  test("Notary's form: every key has its place", async () => {
    expect(await signer({ ...SIGNER, logging: { level: 'warning' } })).toEqual({
      listen: { hostname: '0.0.0.0', port: 7899 },
      tls: { cert: join(directory, 's.crt'), key: join(directory, 's.key'), clientCa: join(directory, 'ca.crt') },
      keys: {
        at: 'database',
        storage: { engine: 'mysql', url: SIGNER.storage.db_url },
        defaultAlias: 'one',
        passphraseFiles: {},
      },
      clients: {},
      limits: {},
      logLevel: 'warn',
      warnings: [],
    });
  });

  test('the alias of new keys may come from the environment alone', async () => {
    const { default_alias: _, ...storage } = SIGNER.storage;
    expect((await signer({ ...SIGNER, storage }, { NOTARY_SIGNER_DEFAULT_ALIAS: 'two' })).keys).toMatchObject({
      defaultAlias: 'two',
    });
  });

  test('S4 without an authority of clients it does not start: it would sign for anybody', async () => {
    const { client_ca_file: _, ...open } = SIGNER.server;
    expect(await refusal(signer({ ...SIGNER, server: open }))).toContain('server.client_ca_file');
    const own = { signer: { listen: ':1', tls: { cert: 'a', key: 'b' } }, storage: { engine: 'memory' } };
    expect(await refusal(signer(own))).toContain('signer.tls.clientCa: is missing');
  });

  test("Hallmark's own form", async () => {
    const text = `
signer:
  listen: "127.0.0.1:7899"
  tls: { cert: s.crt, key: s.key, clientCa: ca.crt }
storage: { engine: sqlite, file: signer.db }
keys: { defaultAlias: y2026, passphraseFiles: { y2026: new, y2025: old } }
`;
    const { settings, form } = await loadSignerConfig(file(text, 'yaml'), {});
    expect(form).toBe('own');
    expect(settings).toMatchObject({
      keys: {
        storage: { engine: 'sqlite', file: join(directory, 'signer.db') },
        defaultAlias: 'y2026',
        passphraseFiles: { y2026: join(directory, 'new'), y2025: join(directory, 'old') },
      },
      logLevel: 'info',
    });
  });
});

test("S6 a signer's keys may be in a token, whose PIN is in a file and never in the configuration", async () => {
  const tls = { cert: 'a', key: 'b', clientCa: 'c' };
  const token = { uri: 'pkcs11:token=hallmark', pinFile: 'pin' };
  const settings = await signer({ signer: { listen: ':1', tls }, token });
  expect(settings.keys).toEqual({ at: 'token', uri: token.uri, pinFile: join(directory, 'pin') });
  const both = signer({ signer: { listen: ':1', tls }, token, storage: { engine: 'memory' } });
  expect(await refusal(both)).toContain('either storage');
  expect(await refusal(signer({ signer: { listen: ':1', tls } }))).toContain('either storage');
  const hasty = signer({ signer: { listen: ':1', tls }, token, limits: { deadline: '0s' } });
  expect(await refusal(hasty)).toContain('limits.deadline: is not at least 1s');
  expect(await refusal(signer({ signer: { listen: ':1', tls }, token: { ...token, pin: '1234' } }))).toContain(
    'token.pin: unknown key; did you mean pinFile?',
  );
});

test('the schemas of all four forms can be printed, and know every key', () => {
  for (const form of ['own', 'notary'] as const) {
    expect(serverConfigSchema(form)).toMatchObject({ type: 'object', additionalProperties: false });
    expect(signerConfigSchema(form)).toMatchObject({ type: 'object', additionalProperties: false });
  }
  expect(Object.keys(serverConfigSchema('own').properties ?? {})).toContain('repositories');
  expect(Object.keys(serverConfigSchema('notary').properties ?? {})).toContain('trust_service');
});
