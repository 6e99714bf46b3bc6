// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { parsePolicy } from '../../src/policy/index.ts';
import { loadServerConfig } from '../../src/server/config/index.ts';
import { loadSignerConfig } from '../../src/signer/config/index.ts';
import { renderTemplates } from '../support/chart-templates.ts';

const DEPLOY = join(import.meta.dir, '../../deploy');
const read = (path: string) => readFileSync(join(DEPLOY, path), 'utf8');

type Data = Record<string, unknown>;
interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Data;
  readonly data?: Readonly<Record<string, string>>;
}

function rendered(overrides: Data = {}, chart = 'hallmark'): readonly Resource[] {
  const folder = join(DEPLOY, 'helm', chart);
  const templates = readdirSync(join(folder, 'templates'));
  const files = Object.fromEntries(
    templates.map((name) => [name, readFileSync(join(folder, 'templates', name), 'utf8')]),
  );
  const release = { Name: 'trust', Namespace: 'trust-system', Service: 'Helm' };
  const values = merged(parse(read(`helm/${chart}/values.yaml`)) as Data, overrides);
  const texts = renderTemplates(files, { Values: values, Release: release, Chart: { AppVersion: '1.2.3' } });
  return Object.entries(texts)
    .filter(([name]) => name.endsWith('.yaml'))
    .flatMap(([name, text]) =>
      parseAllDocuments(text, { prettyErrors: false }).flatMap((document) => {
        if (document.errors.length > 0) throw new Error(`${name}: ${document.errors.join()}\n${text}`);
        const resource = document.toJS() as Resource | null;
        return resource === null ? [] : [resource];
      }),
    );
}

function merged(base: Data, overrides: Data): Data {
  const both = Object.entries(overrides).map(([key, value]) => {
    const old = base[key];
    const isMap = (part: unknown): part is Data => typeof part === 'object' && part !== null && !Array.isArray(part);
    return [key, isMap(value) && isMap(old) ? merged(old, value) : value];
  });
  return { ...base, ...Object.fromEntries(both) };
}

const EVERYTHING: Data = {
  certManager: { enabled: true, dnsNames: ['trust.example.com'], issuer: { kind: 'ClusterIssuer', name: 'public' } },
  postgresql: { enabled: true },
  server: {
    extraSecrets: ['htpasswd'],
    config: { auth: { type: 'htpasswd', htpasswd: { file: '/etc/hallmark/secrets/htpasswd/users' } } },
  },
  signer: { config: { logging: { level: 'warn' } }, aliases: ['hallmark', 'older'] },
  networkPolicy: { monitoring: [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }] },
};

const defaults = parse(read('helm/hallmark/values.yaml')) as Data;

const named = (resources: readonly Resource[], kind: string, name: string): Resource => {
  const found = resources.find((resource) => resource.kind === kind && resource.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
};

interface PodSpec {
  readonly automountServiceAccountToken: boolean;
  readonly securityContext: Data;
  readonly containers: readonly (Data & { readonly securityContext: Data; readonly volumeMounts: readonly Data[] })[];
  readonly volumes: readonly Data[];
}
const podOf = ({ spec }: Resource) => (spec as { template: { spec: PodSpec } }).template.spec;

describe('the Helm chart', () => {
  for (const [name, overrides] of [
    ['with its defaults', {}],
    ['with everything that can be switched on', EVERYTHING],
  ] as const) {
    test(`${name} renders to resources whose names are distinct`, () => {
      const names = rendered(overrides).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
      expect(new Set(names).size).toBe(names.length);
      expect(names).toContain('Deployment trust-server');
      expect(names).toContain('PodDisruptionBudget trust-signer');
    });

    test(`${name} configures both services so that they would start`, async () => {
      const directory = mkdtempSync(join(tmpdir(), 'hallmark-chart-'));
      try {
        const resources = rendered(overrides);
        for (const [name, load] of [
          ['server', loadServerConfig],
          ['signer', loadSignerConfig],
        ] as const) {
          const file = join(directory, `${name}.yaml`);
          writeFileSync(file, named(resources, 'ConfigMap', `trust-${name}`).data?.[`${name}.yaml`] ?? '');
          expect((await load(file, {})).form).toBe('own');
        }
      } finally {
        rmSync(directory, { recursive: true });
      }
    });

    test(`${name} runs nothing as root, nothing with a writable root or a capability, and no secret is in the environment`, () => {
      for (const resource of rendered(overrides).filter(
        ({ kind }) => kind === 'Deployment' || kind === 'StatefulSet',
      )) {
        const pod = podOf(resource);
        expect(pod.automountServiceAccountToken).toBe(false);
        expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
        for (const container of pod.containers) {
          expect(container.securityContext).toEqual({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          });
          expect(container).toMatchObject({ readinessProbe: expect.anything(), livenessProbe: expect.anything() });
          const variables = (container.env ?? []) as readonly Data[];
          expect(variables.filter(({ valueFrom }) => valueFrom !== undefined)).toEqual([]);
          const volumes = [
            ...pod.volumes,
            ...((resource.spec.volumeClaimTemplates ?? []) as { metadata: Data }[]).map((claim) => claim.metadata),
          ];
          for (const mount of container.volumeMounts)
            expect(volumes.map((volume) => volume.name)).toContain(mount.name);
        }
      }
    });
  }

  test('S4 the signing service is reached by the server alone, and by metrics', () => {
    const { spec } = named(rendered(EVERYTHING), 'NetworkPolicy', 'trust-signer');
    expect(spec.policyTypes).toEqual(['Ingress', 'Egress']);
    expect(spec.ingress).toMatchObject([
      {
        ports: [{ port: 7899 }],
        from: [
          {
            podSelector: {
              matchLabels: { 'app.kubernetes.io/instance': 'trust', 'app.kubernetes.io/component': 'server' },
            },
          },
        ],
      },
      { ports: [{ port: 9443 }], from: [{ namespaceSelector: expect.anything() }] },
    ]);
  });

  test('selectors of deployments, services, budgets and policies name the labels of pods', () => {
    const resources = rendered(EVERYTHING);
    const selectorOf = ({ kind, spec }: Resource): unknown => {
      if (kind === 'Service') return spec.selector;
      const selector = (spec.selector ?? spec.podSelector) as { matchLabels: Data } | undefined;
      return selector?.matchLabels;
    };
    for (const part of ['server', 'signer', 'database']) {
      const workload = resources.find(
        ({ metadata, spec }) => metadata.name === `trust-${part}` && 'template' in (spec ?? {}),
      );
      const { labels } = (
        workload as Resource & {
          readonly spec: { readonly template: { readonly metadata: { readonly labels: Data } } };
        }
      ).spec.template.metadata;
      const selecting = resources.filter(
        ({ metadata, spec }) =>
          metadata.name === `trust-${part}` && ('selector' in (spec ?? {}) || 'podSelector' in (spec ?? {})),
      );
      expect(selecting.length).toBeGreaterThanOrEqual(3);
      for (const resource of selecting) expect(labels).toEqual(selectorOf(resource) as Data);
    }
  });

  test('its values fit their schema, and a value that nobody knows does not', () => {
    const schema = z.fromJSONSchema(
      JSON.parse(read('helm/hallmark/values.schema.json')) as z.core.JSONSchema.JSONSchema,
    );
    expect(schema.safeParse(defaults).error).toBeUndefined();
    expect(schema.safeParse(merged(defaults, EVERYTHING)).error).toBeUndefined();
    expect(schema.safeParse({ ...defaults, sever: {} }).success).toBe(false);
    expect(schema.safeParse(merged(defaults, { server: { database: { url: 'rethinkdb://x' } } })).success).toBe(false);
  });

  test('its version is that of the program', () => {
    const { version } = JSON.parse(readFileSync(join(DEPLOY, '../package.json'), 'utf8')) as { version: string };
    expect(parse(read('helm/hallmark/Chart.yaml'))).toMatchObject({ version, appVersion: version });
    expect(defaults).toMatchObject({ image: { tag: version } });
  });
});

describe('the Compose file', () => {
  const compose = parse(read('compose/compose.yaml'), { merge: true }) as {
    readonly services: Readonly<Record<string, Data & { networks: string[]; secrets: string[] }>>;
    readonly networks: Readonly<Record<string, { internal?: boolean }>>;
    readonly secrets: Readonly<Record<string, { file: string }>>;
  };

  test('runs nothing as root, nothing with a writable root or a capability', () => {
    for (const service of Object.values(compose.services)) {
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
      expect(String(service.user)).toMatch(/^(65532:65532|postgres)$/);
      expect(service.healthcheck).toBeDefined();
    }
  });

  test('S4 the signing service shares no network with anybody but the server, and publishes no port', () => {
    const { signer, server } = compose.services;
    expect(signer?.ports).toBeUndefined();
    const sharing = Object.entries(compose.services).filter(([, { networks }]) => networks.includes('signing'));
    expect(sharing.map(([name]) => name)).toEqual(['server', 'signer']);
    expect(signer?.networks.every((name) => compose.networks[name]?.internal === true)).toBe(true);
    expect(server?.networks).toContain('outside');
  });

  test('names every secret that the services take, no service gets one that it does not name, and none is in the environment', () => {
    const config = { server: read('compose/server.yaml'), signer: read('compose/signer.yaml') };
    for (const name of ['server', 'signer'] as const) {
      const named = [...config[name].matchAll(/\/run\/secrets\/([\w.-]+)/g)].map(([, secret = '']) => secret).sort();
      expect([...(compose.services[name]?.secrets ?? [])].sort()).toEqual([...new Set(named)]);
      expect(compose.services[name]?.environment).toBeUndefined();
    }
    const used = Object.values(compose.services).flatMap(({ secrets }) => secrets);
    expect([...new Set(used)].sort()).toEqual(Object.keys(compose.secrets).sort());
  });

  test('its configurations are understood', async () => {
    expect((await loadServerConfig(join(DEPLOY, 'compose/server.yaml'), {})).settings.keys).toMatchObject({
      at: 'signer',
      hostname: 'signer',
    });
    expect((await loadSignerConfig(join(DEPLOY, 'compose/signer.yaml'), {})).settings.listen.port).toBe(7899);
  });
});

describe('the systemd units', () => {
  for (const name of ['server', 'signer'] as const) {
    test(`the ${name}'s credentials are those that its configuration reads`, async () => {
      const load = name === 'server' ? loadServerConfig : loadSignerConfig;
      expect((await load(join(DEPLOY, `systemd/${name}.yaml`), {})).form).toBe('own');
      const credentials = [...read(`systemd/hallmark-${name}.service`).matchAll(/^LoadCredential=([\w.-]+):/gm)].map(
        ([, id]) => id,
      );
      const named = [
        ...read(`systemd/${name}.yaml`).matchAll(/\/run\/credentials\/hallmark-(\w+)\.service\/([\w.-]+)/g),
      ];
      expect(named.map(([, unit]) => unit)).toEqual(named.map(() => name));
      expect(named.map(([, , id]) => id).sort()).toEqual([...credentials].sort());
    });
  }
});

describe('the Helm chart of the admission webhook', () => {
  const EVERY_SWITCH: Data = {
    validateOnly: true,
    imagePaths: ['example.com/v1/App=.spec.image'],
    exemptNamespaces: ['bootstrap'],
    extraRules: [{ operations: ['CREATE'], apiGroups: ['example.com'], apiVersions: ['v1'], resources: ['apps'] }],
    image: { digest: `sha256:${'a'.repeat(64)}` },
  };
  const chart = (overrides: Data) => rendered(overrides, 'hallmark-admission');

  test.each([
    ['its defaults', {}],
    ['every switch', EVERY_SWITCH],
  ] as const)(
    'with %s: a policy that loads, and nothing that runs as root or may write to its root',
    (_, overrides) => {
      const resources = chart(overrides);
      const text = named(resources, 'ConfigMap', 'trust-admission-policy').data?.['policy.yaml'] ?? '';
      expect(parsePolicy(text, 'policy.yaml').warnings).toEqual([]);

      const pod = podOf(named(resources, 'StatefulSet', 'trust-admission'));
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      for (const container of pod.containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    },
  );

  test.each([
    ['its defaults', {}],
    ['every switch', EVERY_SWITCH],
  ] as const)(
    'S25 S30 with %s: a webhook that cannot answer lets nothing in, and is asked about every kind that runs images',
    (_, overrides) => {
      const { webhooks } = chart(overrides).find(({ kind }) => kind.endsWith('WebhookConfiguration')) as unknown as {
        webhooks: readonly { failurePolicy: string; rules: readonly { resources: readonly string[] }[] }[];
      };
      expect(webhooks.map(({ failurePolicy }) => failurePolicy)).toEqual(['Fail']);
      expect(webhooks.flatMap(({ rules }) => rules.flatMap(({ resources }) => resources))).toEqual(
        expect.arrayContaining([
          ...['pods', 'pods/ephemeralcontainers', 'replicationcontrollers', 'podtemplates'],
          ...['deployments', 'replicasets', 'statefulsets', 'daemonsets', 'jobs', 'cronjobs'],
        ]),
      );
    },
  );
});
