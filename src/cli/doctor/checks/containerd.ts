// SPDX-License-Identifier: Apache-2.0
import type { Check, Finding } from '../finding.ts';
import type { Machine } from '../machine.ts';
import { at, tableOf } from '../settings-files.ts';
import { containerdConfig, type PluginSection } from './containerd-config.ts';
import { CRI_PLUGINS, HOSTS_PLACES } from './gateway-hosts.ts';

const VERIFIER = 'io.containerd.image-verifier.v1.bindir';
const CONFIG = '/etc/containerd/config.toml';
const DEFAULT_BIN_DIR = '/opt/containerd/image-verifier/bin';
const DEFAULT_MAX_VERIFIERS = 10;

/** containerd's own configuration: whether its registry hosts and its image verifiers are in force at all. */
export const containerd: Check = {
  about: 'containerd',
  run(machine) {
    const config = containerdConfig(machine);
    if (config === undefined) return [];
    const { plugins, malformed } = config;
    const cri = CRI_PLUGINS.flatMap((name) => plugins.get(name) ?? []);
    return [
      ...malformed.map((file) => finding('containerd-malformed', 'critical', file, 'not valid TOML', `mend ${file}`)),
      ...cri.flatMap((section) => checkCri(machine, section)),
      ...checkVerifiers(machine, plugins.get(VERIFIER), cri),
    ];
  },
};

function finding(id: string, severity: Finding['severity'], subject: string, message: string, fix: string): Finding {
  return { id, severity, subject, message, fix };
}

function checkCri(machine: Machine, { file, table }: PluginSection): readonly Finding[] {
  const findings: Finding[] = [];
  const registry = tableOf(table.registry) ?? {};
  const old = ['mirrors', 'configs', 'auths'].filter((name) => Object.keys(tableOf(registry[name]) ?? {}).length > 0);
  if (old.length > 0)
    findings.push(
      finding(
        'cri-old-registry-settings',
        'critical',
        file,
        `registry.${old.join(', registry.')}: settings of old that switch certs.d off and fall back to the registry`,
        'use registry.config_path and hosts.toml: hallmark gateway config containerd',
      ),
    );
  const paths = String(registry.config_path ?? '').split(':');
  // where somebody wrote hosts files, they meant them to be read
  const isMeant = machine.names(machine.system(HOSTS_PLACES.containerd)).length > 0;
  if (paths.every((path) => path === ''))
    findings.push(
      finding(
        'cri-without-hosts',
        isMeant ? 'critical' : 'note',
        file,
        'registry.config_path is not set: hosts.toml is not read, and Kubernetes pulls straight from registries',
        `set config_path = "${HOSTS_PLACES.containerd}"`,
      ),
    );
  else if (isMeant && paths.every((path) => machine.names(machine.system(path)).length === 0))
    findings.push(
      finding(
        'cri-other-hosts',
        'critical',
        file,
        `registry.config_path is ${paths.join(':')}, where there are no hosts files: those in ${HOSTS_PLACES.containerd} are not read`,
        `set config_path = "${HOSTS_PLACES.containerd}"`,
      ),
    );
  return findings;
}

/** Settings with which containerd pulls by its old way, which calls no verifier; it chooses that by itself. */
function localPullReasons(cri: readonly PluginSection[]): readonly string[] {
  return cri.flatMap(({ table }) => {
    const isSet = (value: unknown) => tableOf(value) !== undefined && Object.keys(tableOf(value) ?? {}).length > 0;
    const registry = tableOf(table.registry) ?? {};
    const reasons: (readonly [string, boolean])[] = [
      ['use_local_image_pull = true', table.use_local_image_pull === true],
      ['disable_snapshot_annotations = false', table.disable_snapshot_annotations === false],
      ['discard_unpacked_layers', table.discard_unpacked_layers === true],
      ['image_pull_with_sync_fs', table.image_pull_with_sync_fs === true],
      ['max_concurrent_downloads', ![undefined, 3].includes(table.max_concurrent_downloads as number | undefined)],
      ['registry.mirrors', isSet(registry.mirrors)],
      ['registry.configs', isSet(registry.configs)],
      ['registry.auths', isSet(registry.auths)],
    ];
    return reasons.flatMap(([name, applies]) => (applies ? [name] : []));
  });
}

function checkVerifiers(
  machine: Machine,
  verifier: PluginSection | undefined,
  cri: readonly PluginSection[],
): readonly Finding[] {
  const file = verifier?.file ?? CONFIG;
  const place = String(at(verifier?.table, 'bin_dir') ?? DEFAULT_BIN_DIR);
  const programs = machine.names(machine.system(place));
  if (verifier === undefined && programs.length === 0) return [];
  const findings: Finding[] = [];
  if (programs.length === 0)
    findings.push(
      finding(
        'verifier-missing',
        'critical',
        file,
        `${place} holds no verifier: every image is let through`,
        `install hallmark image-verifier there`,
      ),
    );
  const limit = Number(at(verifier?.table, 'max_verifiers') ?? DEFAULT_MAX_VERIFIERS);
  if (limit >= 0 && programs.length > limit)
    findings.push(
      finding(
        'verifier-beyond-limit',
        'critical',
        file,
        `${programs.length} verifiers, and max_verifiers is ${limit}: those after the first ${limit} are not asked`,
        'raise max_verifiers, or remove what is not needed',
      ),
    );
  const reasons = localPullReasons(cri);
  if (reasons.length > 0)
    findings.push(
      finding(
        'verifier-bypassed',
        'critical',
        cri.map((section) => section.file).join(', '),
        `containerd pulls by its old way, which asks no verifier, because of ${reasons.join(', ')}`,
        'remove these settings',
      ),
    );
  return findings;
}
