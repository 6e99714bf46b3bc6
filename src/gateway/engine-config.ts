// SPDX-License-Identifier: Apache-2.0

/** Engines whose configuration can be written so that they ask the gateway and nobody else. */
export const ENGINES = ['containerd', 'docker', 'podman', 'crio'] as const;
export type Engine = (typeof ENGINES)[number];

export interface EngineConfigOptions {
  /** The gateway, such as `https://gw.internal:5443`. */
  readonly gateway: string;
  /** Where the engine's machine has the gateway's authority. */
  readonly ca: string;
  /** Registries as they stand in image names. */
  readonly registries: readonly string[];
  /** Registries that images are pushed to from that machine, past the gateway. */
  readonly pushTo: readonly string[];
}

export interface ConfigFile {
  readonly path: string;
  readonly content: string;
}

/**
 * The files that make an engine fail closed: no answer of the gateway, and no gateway at all, sends it anywhere else. That is a
 * property of these files, not of any status code: every one of these engines goes on to a registry that is only mirrored.
 */
export function engineConfig(engine: Engine, options: EngineConfigOptions): readonly ConfigFile[] {
  switch (engine) {
    case 'containerd':
      return [...hostsFiles('/etc/containerd/certs.d', options), criPlugin()];
    case 'docker':
      return hostsFiles('/etc/docker/certs.d', options);
    case 'podman':
    case 'crio':
      return [registriesConf(options), policyJson(options)];
    default:
      return engine satisfies never;
  }
}

/**
 * One for each registry beside the one for all: a directory of a registry that is there for another reason, an empty one too, takes
 * the place of `_default`. The gateway stands in each twice, as `server` and as `[host]`: containerd 1.x passes over a file
 * without a `[host]`, and any version goes on to the registry itself where `server` is not the gateway.
 */
function hostsFiles(directory: string, options: EngineConfigOptions): readonly ConfigFile[] {
  return ['_default', ...options.registries].map((registry) => ({
    path: `${directory}/${registry}/hosts.toml`,
    content: hostsToml(options, options.pushTo.includes(registry) ? registry : undefined),
  }));
}

function hostsToml({ gateway, ca }: EngineConfigOptions, pushTo: string | undefined): string {
  const own = `server = ${toml(gateway)}
capabilities = ["pull", "resolve"]
ca = ${toml(ca)}

[host.${toml(gateway)}]
  capabilities = ["pull", "resolve"]
  ca = ${toml(ca)}
`;
  if (pushTo === undefined) return own;
  return `${own}
[host.${toml(`https://${pushTo}`)}]
  capabilities = ["push"]
`;
}

/** Part of config.toml: where CRI finds the files. `registry.mirrors` and `registry.configs` must not be set beside it. */
function criPlugin(): ConfigFile {
  return {
    path: '/etc/containerd/config.toml',
    content: `# add to what is there; take away [plugins."io.containerd.grpc.v1.cri".registry.mirrors] and .configs
version = 2

[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "/etc/containerd/certs.d"
`,
  };
}

/** The registry's own place is the gateway; a path holds no colon, so a port follows an underscore there. `[[registry.mirror]]` would only be tried before it. */
function registriesConf({ gateway, registries }: EngineConfigOptions): ConfigFile {
  const { host } = new URL(gateway);
  const blocks = registries.map(
    (registry) =>
      `[[registry]]\nprefix = ${toml(registry)}\nlocation = ${toml(`${host}/${registry.replace(/:(?=[0-9]+$)/, '_')}`)}\n`,
  );
  return {
    path: '/etc/containers/registries.conf',
    content: `unqualified-search-registries = ${JSON.stringify(registries.slice(0, 1))}\nshort-name-mode = "enforcing"\n\n${blocks.join('\n')}`,
  };
}

/** A registry that is not listed above would be asked itself, so it is refused by name. */
function policyJson({ registries }: EngineConfigOptions): ConfigFile {
  const accept = [{ type: 'insecureAcceptAnything' }];
  const docker = Object.fromEntries(registries.map((registry) => [registry, accept]));
  return {
    path: '/etc/containers/policy.json',
    content: `${JSON.stringify({ default: [{ type: 'reject' }], transports: { docker } }, null, 2)}\n`,
  };
}

/** A basic string of TOML; JSON's escapes are a subset of its own. */
function toml(text: string): string {
  return JSON.stringify(text);
}
