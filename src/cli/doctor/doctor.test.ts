// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HOSTS_WELL, machineWith, NOW } from '../../../test/support/doctor-machine.ts';
import { scratchDirectories } from '../../../test/support/scratch.ts';
import { makeRootKey } from '../../../test/support/test-keys.ts';
import { ENGINES, engineConfig } from '../../gateway/index.ts';
import { firstTargets, notaryV1 } from '../../tuf/index.ts';
import { examine, type Finding } from './index.ts';
import type { MachineOptions } from './machine.ts';

const scratch = scratchDirectories();
const machine = (files: Readonly<Record<string, string>>, options: Partial<MachineOptions> = {}) =>
  machineWith(scratch(), files, options);
const ids = (findings: readonly Finding[]) => findings.map(({ id }) => id);
const found = async (files: Readonly<Record<string, string>>, options: Partial<MachineOptions> = {}) =>
  ids(await examine(machine(files, options)));

describe('doctor on the Docker CLI', () => {
  const version = (text: string) => ({ ask: async () => text });

  test('a CLI that ignores DOCKER_CONTENT_TRUST=1 is critical', async () => {
    const findings = await examine(
      machine({}, { env: { DOCKER_CONTENT_TRUST: '1' }, ...version('Docker version 29.1.0, build x') }),
    );
    expect(findings[0]).toMatchObject({ id: 'docker-ignores-content-trust', severity: 'critical' });
  });

  test('one that still has content trust is not, nor one whose user did not ask for it', async () => {
    expect(
      await found({}, { env: { DOCKER_CONTENT_TRUST: '1' }, ...version('Docker version 28.2.2, build x') }),
    ).toEqual([]);
    expect(
      await found({}, { env: { DOCKER_CONTENT_TRUST: '0' }, ...version('Docker version 29.1.0, build x') }),
    ).toEqual(['docker-trust-missing']);
  });

  test('the plugin of ours answers for docker trust', async () => {
    expect(await found({ '~.docker/cli-plugins/docker-trust': '' }, version('Docker version 29.1.0'))).toEqual([]);
  });
});

describe('doctor on hosts.toml (fail-open list)', () => {
  test('one that names the gateway twice is well', async () => {
    expect(await found({ '/etc/containerd/certs.d/_default/hosts.toml': HOSTS_WELL })).toEqual([]);
  });

  for (const [what, text, id] of [
    ['malformed', 'server = ', 'hosts-malformed'],
    ['without a [host] table', 'server = "https://gw"\n', 'hosts-without-entry'],
    ['without server', '[host."https://gw"]\ncapabilities = ["pull"]\n', 'hosts-without-server'],
    [
      'with the registry as server',
      'server = "https://registry-1.docker.io"\n[host."https://gw"]\ncapabilities = ["pull"]\n',
      'hosts-open-server',
    ],
    [
      'with the registry as host',
      'server = "https://gw"\n[host."https://gw"]\n[host."https://registry-1.docker.io"]\n',
      'hosts-own-registry',
    ],
  ] as const) {
    test(`one that is ${what} is critical, for containerd and for Docker`, async () => {
      for (const place of ['/etc/containerd/certs.d/docker.io', '/etc/docker/certs.d/docker.io'])
        expect(await found({ [`${place}/hosts.toml`]: text })).toEqual([id]);
    });
  }

  test('the registry as host for pushes alone is well: nothing is pulled from it', async () => {
    const own = (capabilities: string) => ({
      '/etc/docker/certs.d/docker.io/hosts.toml': `${HOSTS_WELL}[host."https://registry-1.docker.io"]\ncapabilities = ${capabilities}\n`,
    });
    expect(await found(own('["push"]'))).toEqual([]);
    expect(await found(own('["push", "pull"]'))).toEqual(['hosts-own-registry']);
  });

  test('hosts files where config_path leads are read too; where it leads nowhere is critical', async () => {
    const config = (path: string) => ({
      '/etc/containerd/config.toml': `[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "${path}"\n`,
    });
    expect(await found({ ...config('/x:/y'), '/y/docker.io/hosts.toml': 'server = ' })).toEqual(['hosts-malformed']);
    const meant = { '/etc/containerd/certs.d/_default/hosts.toml': HOSTS_WELL };
    expect(await found({ ...config('/x'), ...meant })).toEqual(['cri-other-hosts']);
    expect(await found({ ...config('/x:/etc/containerd/certs.d'), ...meant })).toEqual([]);
  });

  test('a registry directory without it hides that of _default', async () => {
    const files = {
      '/etc/containerd/certs.d/_default/hosts.toml': HOSTS_WELL,
      '/etc/containerd/certs.d/quay.io/ca.crt': '',
    };
    expect(await found(files)).toEqual(['hosts-shadowed']);
  });

  test('mirrors of daemon.json come before a single entry', async () => {
    const mirrors = '{"registry-mirrors":["https://m"],"features":{"containerd-snapshotter":true}}';
    const files = { '/etc/docker/certs.d/docker.io/hosts.toml': HOSTS_WELL, '/etc/docker/daemon.json': mirrors };
    expect(await found(files)).toEqual(['hosts-with-mirrors']);
  });
});

describe('doctor on containerd', () => {
  const config = (text: string) => ({ '/etc/containerd/config.toml': text });
  const cri = (text: string) => `[plugins."io.containerd.grpc.v1.cri"]\n${text}`;
  const registry = '[plugins."io.containerd.grpc.v1.cri".registry]\n';

  test('hosts files that nobody reads are critical', async () => {
    const files = { ...config(cri('')), '/etc/containerd/certs.d/_default/hosts.toml': HOSTS_WELL };
    expect((await examine(machine(files)))[0]).toMatchObject({ id: 'cri-without-hosts', severity: 'critical' });
    expect((await examine(machine(config(cri('')))))[0]).toMatchObject({ severity: 'note' });
  });

  test('settings of old that switch them off are critical', async () => {
    const old = `${registry}config_path = "/etc/containerd/certs.d"\n${registry.replace('registry]', 'registry.mirrors."docker.io"]')}endpoint = ["https://m"]\n`;
    expect(await found(config(old))).toEqual(['cri-old-registry-settings']);
  });

  test('verifiers: none there, too many, or not asked at all', async () => {
    const verifier = '[plugins."io.containerd.image-verifier.v1.bindir"]\nbin_dir = "/v"\nmax_verifiers = 1\n';
    const path = `${registry}config_path = "/x"\n`;
    expect(await found(config(verifier + path))).toEqual(['verifier-missing']);
    expect(await found({ ...config(verifier + path), '/v/a': '', '/v/b': '' })).toEqual(['verifier-beyond-limit']);
    const bypass = cri(`max_concurrent_downloads = 5\n${path}`);
    expect(await found({ ...config(verifier + bypass), '/v/a': '' })).toEqual(['verifier-bypassed']);
  });

  test('what is no TOML is told', async () => {
    expect(await found(config('= ='))).toEqual(['containerd-malformed']);
  });

  test('a file that is imported replaces the section of a plugin, by a pattern or beside the importing file', async () => {
    const safe = `${registry}config_path = "/etc/containerd/certs.d"\n`;
    const hosts = { '/etc/containerd/certs.d/_default/hosts.toml': HOSTS_WELL };
    const drop = (imports: string, text: string) => ({
      ...config(`imports = [${imports}]\n${safe}`),
      ...hosts,
      '/etc/containerd/conf.d/10-mine.toml': text,
    });
    const open = cri('max_concurrent_downloads = 5\n');

    expect(await found(drop('', open))).toEqual([]);
    for (const imports of [
      '"/etc/containerd/conf.d/*.toml"',
      '"conf.d/10-mine.toml"',
      '"/etc/c*d/conf.d/1?-mine.toml"',
    ]) {
      const [finding] = await examine(machine(drop(imports, open)));
      expect(finding).toMatchObject({ id: 'cri-without-hosts', subject: '/etc/containerd/conf.d/10-mine.toml' });
    }
    expect(await found(drop('"conf.d/*"', '= ='))).toEqual(['containerd-malformed']);
    expect(await found(drop('"conf.d/*", "config.toml"', 'imports = ["*.toml", "../config.toml"]'))).toEqual([]);
  });
});

describe('doctor on ways past the gateway', () => {
  const sentTo = (place: string, name = '_default') => ({ [`${place}/certs.d/${name}/hosts.toml`]: HOSTS_WELL });
  const online = (open: readonly string[]) => ({ online: { answers: async (url: string) => open.includes(url) } });

  test('S7 a socket of an engine that everybody may write to is critical', async () => {
    for (const path of ['/run/docker.sock', '/run/containerd/containerd.sock', '/run/podman/podman.sock']) {
      const open = machine({ [path]: '' });
      expect(ids(await examine(open))).toEqual([]);
      chmodSync(open.system(path), 0o666);
      expect(ids(await examine(open))).toEqual(['engine-socket-open']);
    }
  });

  test('ctr is told where containerd is sent to a gateway, which it does not obey', async () => {
    expect(await found({ '/usr/bin/ctr': '' })).toEqual([]);
    expect(await found({ '/usr/bin/ctr': '', ...sentTo('/etc/containerd') })).toEqual(['ctr-past-hosts']);
  });

  test('a swarm resolves tags past hosts.toml: a warning where there is one, else worth knowing', async () => {
    const swarm = (state: string) => ({
      ask: async (argv: readonly string[]) => (argv[1] === 'info' ? `${state}\n` : undefined),
    });
    expect(await found({}, swarm('inactive'))).toEqual([]);
    expect((await examine(machine({}, swarm('active'))))[0]).toMatchObject({
      id: 'swarm-resolves-tags',
      severity: 'note',
    });
    const [finding] = await examine(machine(sentTo('/etc/docker'), swarm('active')));
    expect(finding).toMatchObject({ id: 'swarm-resolves-tags', severity: 'warning' });
  });

  test('a registry that answers beside the gateway is worth knowing, and asked only when the user wants that', async () => {
    const files = { ...sentTo('/etc/docker', 'quay.io'), ...sentTo('/etc/containerd') };
    const hub = 'https://registry-1.docker.io/v2/';

    expect(await found(files)).toEqual([]);
    expect(await found(files, online([]))).toEqual([]);
    expect(await found({}, online([hub]))).toEqual([]);
    const findings = await examine(machine(files, online([hub, 'https://quay.io/v2/'])));
    expect(findings.map(({ id, severity, subject }) => [id, severity, subject])).toEqual([
      ['registry-reachable', 'note', 'registry-1.docker.io'],
      ['registry-reachable', 'note', 'quay.io'],
    ]);
  });
});

describe('doctor on images in the store', () => {
  const DIGEST = `sha256:${'a'.repeat(64)}`;
  const row = (Repository: string, Tag: string, Digest: string) => JSON.stringify({ Repository, Tag, Digest });
  const holds = (...rows: readonly string[]) => ({
    ask: async (argv: readonly string[]) => (argv[1] === 'image' ? `${rows.join('\n')}\n` : undefined),
  });
  const gateway = { '/etc/docker/certs.d/_default/hosts.toml': HOSTS_WELL };
  const judge = (outcome: 'allow' | 'deny' | 'unavailable', asked: string[] = []) => ({
    online: {
      answers: async () => false,
      judge: async (reference: string) => {
        asked.push(reference);
        return { outcome, reason: 'because' };
      },
    },
  });

  test('those without a digest were loaded or built here: told where pulls are judged', async () => {
    const store = holds(row('app', '1', '<none>'), row('alpine', '3', DIGEST), row('<none>', '<none>', '<none>'), '{');
    expect(await found({}, store)).toEqual([]);
    const [finding] = await examine(machine(gateway, store));
    expect(finding).toMatchObject({ id: 'images-never-judged', severity: 'note' });
    expect(finding?.message).toEndWith(': app:1');
  });

  test('S24 those that the policy refuses are told, by the digest that is there', async () => {
    const asked: string[] = [];
    const store = holds(row('alpine', '3', DIGEST), row('busybox', '<none>', DIGEST));
    const options = { ...store, ...judge('deny', asked) };
    expect(await found({}, options)).toEqual(['image-refused', 'image-refused']);
    expect(asked).toEqual([`alpine:3@${DIGEST}`, `busybox@${DIGEST}`]);
    expect(await found({}, { ...store, ...judge('unavailable') })).toEqual(['image-undecided', 'image-undecided']);
    expect(await found({}, { ...store, ...judge('allow') })).toEqual([]);
  });

  test('S23 a store of thousands is judged up to a bound, and the rest is told', async () => {
    const asked: string[] = [];
    const many = Array.from({ length: 150 }, (_, index) => row('app', `${index}`, DIGEST));
    const [finding] = await examine(machine({}, { ...holds(...many), ...judge('allow', asked) }));
    expect(asked.length).toBe(100);
    expect(finding).toMatchObject({ id: 'image-undecided', subject: '50 more images' });
  });
});

describe('doctor on the trust directory', () => {
  const KEY = `~.docker/trust/private/${'a'.repeat(64)}.key`;

  test('S7 a key that others can read is critical, and mended when asked', async () => {
    const open = machine({ [KEY]: 'key' });
    const file = join(open.trustDirectory, 'private', `${'a'.repeat(64)}.key`);
    expect(ids(await examine(open))).toEqual([]);
    chmodSync(file, 0o644);

    const [finding] = await examine(open);
    expect(finding).toMatchObject({ id: 'key-readable', severity: 'critical', subject: file });
    expect(statSync(file).mode & 0o777).toBe(0o644);
    finding?.mend?.();
    expect(await examine(open)).toEqual([]);
  });

  test('pins that others can write are critical', async () => {
    const open = machine({ '~.docker/trust/hallmark/pins.json': '{}' });
    chmodSync(join(open.trustDirectory, 'hallmark/pins.json'), 0o666);
    expect(ids(await examine(open))).toEqual(['pins-writable']);
  });

  test('trust data that runs out within a month is told before it does', async () => {
    const file = (expires: Date) => {
      const signedBytes = notaryV1.encodeSigned({ ...firstTargets(NOW), expires });
      return new TextDecoder().decode(notaryV1.encode({ signedBytes, signatures: [] }));
    };
    const path = '~.docker/trust/tuf/example.com/app/metadata/targets.json';
    expect(await found({ [path]: file(new Date('2026-12-20T00:00:00Z')) })).toEqual(['metadata-expires']);
    expect(await found({ [path]: file(new Date('2027-12-20T00:00:00Z')) })).toEqual([]);
    expect(await found({ [path]: 'damaged' })).toEqual([]);
  });
});

describe('doctor on the trust server', () => {
  test('S8 one without TLS is critical', async () => {
    expect(await found({}, { env: { DOCKER_CONTENT_TRUST_SERVER: 'http://trust.example.com' } })).toEqual([
      'trust-server-without-tls',
    ]);
  });

  test('notary.docker.io ends: told to whoever has trust data of Docker Hub', async () => {
    const files = { '~.docker/trust/tuf/docker.io/library/alpine/metadata/root.json': '' };
    expect(await found(files)).toEqual(['notary-docker-io-ends']);
    expect((await examine(machine(files, { now: new Date('2026-12-08T00:00:00Z') })))[0]?.severity).toBe('critical');
    expect(await found(files, { env: { DOCKER_CONTENT_TRUST_SERVER: 'https://mine' } })).toEqual([]);
  });

  test('a clock that is behind takes expired data for valid', async () => {
    const at = (seconds: number) => ({ serverTime: async () => new Date(NOW.getTime() + seconds * 1000) });
    expect((await examine(machine({}, at(600))))[0]).toMatchObject({ id: 'clock-skew', severity: 'critical' });
    expect((await examine(machine({}, at(-600))))[0]).toMatchObject({ id: 'clock-skew', severity: 'warning' });
    expect(await found({}, at(30))).toEqual([]);
  });

  test('S7 a client key that others can read is critical, and mended when asked', async () => {
    const open = machine({ '~.docker/tls/trust.example.com/client.key': 'key' });
    const file = join(open.dockerConfig, 'tls/trust.example.com/client.key');
    expect(ids(await examine(open))).toEqual([]);
    chmodSync(file, 0o640);

    const [finding] = await examine(open);
    expect(finding).toMatchObject({ id: 'client-key-readable', severity: 'critical', subject: file });
    finding?.mend?.();
    expect(await examine(open)).toEqual([]);
  });

  test('certificates that cannot be read, or run out', async () => {
    const path = '~.docker/tls/trust.example.com/ca.crt';
    const ending = async (notBefore: string) =>
      new TextDecoder().decode((await makeRootKey('ca', new Date(notBefore))).listed.bytes);
    expect(await found({ [path]: await ending('2016-12-10') })).toEqual(['certificate-expires']);
    expect(await found({ [path]: await ending('2026-01-01') })).toEqual([]);
    expect(await found({ '~.docker/tls/trust.example.com/ca.crt': 'none' })).toEqual(['certificate-unreadable']);
  });
});

test('S22 whatever the files hold, doctor ends with findings and not with a crash', async () => {
  for (const text of ['', '[]', 'null', '{"default":5}', '[[registry]]', 'plugins = 3', '{"registry-mirrors":{}}']) {
    const files = Object.fromEntries(
      [
        '/etc/docker/daemon.json',
        '/etc/containerd/config.toml',
        '/etc/containerd/certs.d/x/hosts.toml',
        '/etc/containers/registries.conf',
        '/etc/containers/policy.json',
        '~.docker/buildx/instances/x',
      ].map((path) => [path, text]),
    );
    expect(Array.isArray(await found(files))).toBe(true);
  }
});

test('docs/doctor.md lists every finding there is, and no other', () => {
  const checks = readdirSync(join(import.meta.dir, 'checks')).map((name) =>
    readFileSync(join(import.meta.dir, 'checks', name), 'utf8'),
  );
  const made = checks.flatMap((text) =>
    [...text.matchAll(/(?:id: |finding\(\s*)'([a-z]+(?:-[a-z]+)+)'/g)].map((match) => match[1]),
  );
  const page = readFileSync(join(import.meta.dir, '../../../docs/doctor.md'), 'utf8');
  const listed = page
    .split('\n')
    .flatMap((line) => (line.startsWith('| `') ? [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)] : []));
  expect([...new Set(made)].sort()).toEqual(listed.map((match) => match[1]).sort());
});

test.each(ENGINES)('doctor has nothing to say about what gateway config prints for %s', async (engine) => {
  const registries = ['docker.io', 'r.example.com:5000'];
  const options = { gateway: 'https://gw:5443', ca: '/gw.pem', registries, pushTo: ['docker.io'] };
  const files = engineConfig(engine, options).map(({ path, content }) => [path, content] as const);
  expect(await found(Object.fromEntries(files))).toEqual([]);
});
