// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { EngineConfigOptions } from '../../../src/gateway/index.ts';
import { type Outcome, run, succeed } from './processes.ts';
import { cleanEnvironment, hallmarkProgram, program } from './programs.ts';
import type { Stage } from './stage.ts';

/** An engine that was configured by what `hallmark gateway config` printed. */
export interface TestedEngine {
  readonly name: string;
  /** Pulls `REPOSITORY:TAG` or `REPOSITORY@DIGEST` of the tested registry. */
  pull(image: string): Promise<Outcome>;
  /** What it has of these images, as digests; empty if none. */
  digests(image: string): Promise<readonly string[]>;
}

export interface EngineWorld {
  readonly stage: Stage;
  readonly dockerHost: string;
  /** The registry as it stands in image names. */
  readonly registry: string;
  /** `https://localhost:PORT` */
  readonly gateway: string;
  readonly ca: string;
}

/** The files of `hallmark gateway config`, written below a directory in place of `/`. */
async function writeConfig(world: EngineWorld, engine: string, root: string): Promise<(path: string) => string> {
  const { registry, gateway, ca } = world;
  const options: Pick<EngineConfigOptions, 'gateway' | 'ca'> = { gateway, ca };
  const argv = [...hallmarkProgram(), '--json', 'gateway', 'config', engine, '--registry', registry];
  const flags = ['--gateway', options.gateway, '--gateway-ca', options.ca];
  const { stdout } = await succeed([...argv, ...flags], { env: cleanEnvironment({ HOME: root }) });
  for (const { path, content } of JSON.parse(stdout) as { path: string; content: string }[]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return (path) => join(root, path);
}

/** Debian's containerd with directories of its own, and ctr. */
export async function containerdEngine(world: EngineWorld): Promise<TestedEngine> {
  const directory = world.stage.makeDirectory('containerd');
  const place = await writeConfig(world, 'containerd', directory);
  return { name: 'containerd', ...(await startContainerd(world, directory, place('/etc/containerd/certs.d'))) };
}

/** The same with the gateway as a mirror only, as manuals have it: to prove that what goes past the gateway is seen. */
export async function mirroredContainerd(world: EngineWorld): Promise<TestedEngine> {
  const directory = world.stage.makeDirectory('containerd-mirrored');
  const hosts = join(directory, 'certs.d', world.registry, 'hosts.toml');
  mkdirSync(dirname(hosts), { recursive: true });
  const mirror = `[host."${world.gateway}"]\n  capabilities = ["pull", "resolve"]\n  ca = "${world.ca}"\n`;
  writeFileSync(hosts, `server = "http://${world.registry}"\n\n${mirror}`);
  return { name: 'containerd with a mirror', ...(await startContainerd(world, directory, join(directory, 'certs.d'))) };
}

async function startContainerd({ stage, registry }: EngineWorld, directory: string, hosts: string) {
  const socket = join(directory, 'containerd.sock');
  const config = join(directory, 'config.toml');
  const disabled = [
    'io.containerd.grpc.v1.cri',
    'io.containerd.snapshotter.v1.btrfs',
    'io.containerd.snapshotter.v1.zfs',
  ];
  writeFileSync(
    config,
    `version = 2
root = "${join(directory, 'root')}"
state = "${join(directory, 'state')}"
disabled_plugins = ${JSON.stringify(disabled)}
[grpc]
  address = "${socket}"
[ttrpc]
  address = "${socket}.ttrpc"
`,
  );
  const env = cleanEnvironment({ HOME: directory });
  const service = stage.start('containerd', [program('containerd'), '-c', config], { env, cwd: directory });
  await service.listening({ path: socket });
  const ctr = [program('ctr'), '-a', socket];
  return {
    pull: (image: string) =>
      run([...ctr, 'images', 'pull', '--hosts-dir', hosts, '--snapshotter', 'native', `${registry}/${image}`], { env }),
    async digests(image: string): Promise<readonly string[]> {
      const { stdout } = await run([...ctr, 'images', 'ls', `name==${registry}/${image}`], { env });
      return [...stdout.matchAll(/sha256:[0-9a-f]{64}/g)].map(([digest]) => digest);
    },
  };
}

/** dockerd with a graph driver: images are named by the gateway, which is then the only registry there is for them. */
export async function dockerEngine({ stage, dockerHost, registry, gateway }: EngineWorld): Promise<TestedEngine> {
  const env = cleanEnvironment({ HOME: stage.makeDirectory('docker'), DOCKER_HOST: dockerHost });
  const named = (image: string) => `${new URL(gateway).host}/${registry.replace(':', '_')}/${image}`;
  return {
    name: 'docker',
    pull: (image) => run([program('docker'), 'pull', named(image)], { env }),
    async digests(image) {
      const format = '{{range .RepoDigests}}{{println .}}{{end}}';
      const { stdout } = await run([program('docker'), 'image', 'inspect', '--format', format, named(image)], { env });
      return [...stdout.matchAll(/sha256:[0-9a-f]{64}/g)].map(([digest]) => digest);
    },
  };
}

/** skopeo, which has no store: an image counts as there when a whole layout was written. */
export async function skopeoEngine(world: EngineWorld): Promise<TestedEngine> {
  const { flags, env, certificates, directory } = await containersConfig(world, 'skopeo');
  const layouts = new Map<string, string>();
  return {
    name: 'skopeo',
    async pull(image) {
      const layout = join(directory, `layout-${layouts.size}`);
      const argv = [
        program('skopeo'),
        ...flags,
        'copy',
        '--src-cert-dir',
        certificates,
        `docker://${world.registry}/${image}`,
      ];
      const outcome = await run([...argv, `dir:${layout}`], { env });
      if (outcome.code === 0) layouts.set(image, layout);
      return outcome;
    },
    async digests(image) {
      const layout = layouts.get(image);
      if (layout === undefined) return [];
      const { stdout } = await run([program('skopeo'), 'manifest-digest', join(layout, 'manifest.json')], { env });
      return [stdout.trim()];
    },
  };
}

/** podman as root with a store of its own. */
export async function podmanEngine(world: EngineWorld): Promise<TestedEngine> {
  const { env, certificates, directory, policy } = await containersConfig(world, 'podman');
  const own = [
    '--root',
    join(directory, 'root'),
    '--runroot',
    join(directory, 'run'),
    '--tmpdir',
    join(directory, 'tmp'),
  ];
  const podman = [
    program('podman'),
    ...own,
    '--storage-driver',
    'vfs',
    '--cgroup-manager',
    'cgroupfs',
    '--events-backend',
    'file',
  ];
  return {
    name: 'podman',
    pull: (image) =>
      run([...podman, 'pull', '--cert-dir', certificates, '--signature-policy', policy, `${world.registry}/${image}`], {
        env,
      }),
    async digests(image) {
      const argv = ['image', 'inspect', '--format', '{{.Digest}}', `${world.registry}/${image}`];
      const { stdout, code } = await run([...podman, ...argv], { env });
      return code === 0 ? [stdout.trim()] : [];
    },
  };
}

async function containersConfig(world: EngineWorld, name: string) {
  const directory = world.stage.makeDirectory(name);
  const place = await writeConfig(world, 'podman', directory);
  const registries = place('/etc/containers/registries.conf');
  const policy = place('/etc/containers/policy.json');
  const certificates = join(directory, 'certificates');
  mkdirSync(certificates);
  writeFileSync(join(certificates, 'ca.crt'), await Bun.file(world.ca).text());
  const env = cleanEnvironment({ HOME: directory, CONTAINERS_REGISTRIES_CONF: registries, TMPDIR: directory });
  // skopeo takes the file by this flag alone, podman by the variable
  const flags = ['--policy', policy, '--registries-conf', registries, '--registries.d', directory];
  return { directory, env, certificates, flags, policy };
}
