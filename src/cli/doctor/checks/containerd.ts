// SPDX-License-Identifier: Apache-2.0
import type { Check, Finding } from '../finding.ts';
import type { Machine } from '../machine.ts';
import { at, parseToml, type Table, tableOf, tablesOf } from '../settings-files.ts';

const CONFIG = '/etc/containerd/config.toml';
/** The names of the CRI plugin's image part, by version of the configuration. */
const CRI = ['io.containerd.grpc.v1.cri', 'io.containerd.cri.v1.images'];
const VERIFIER = 'io.containerd.image-verifier.v1.bindir';
const DEFAULT_BIN_DIR = '/opt/containerd/image-verifier/bin';
const DEFAULT_MAX_VERIFIERS = 10;

/** containerd's own configuration: whether its registry hosts and its image verifiers are in force at all. */
export const containerd: Check = {
  about: 'containerd',
  run(machine) {
    const text = machine.text(machine.system(CONFIG));
    if (text === undefined) return [];
    const config = parseToml(text);
    if (config === undefined) return [finding('containerd-malformed', 'critical', 'not valid TOML', `mend ${CONFIG}`)];
    const plugins = tableOf(config.plugins);
    const cri = tablesOf(CRI.map((name) => plugins?.[name]));
    return [
      ...cri.flatMap((table) => checkCri(machine, table)),
      ...checkVerifiers(machine, tableOf(plugins?.[VERIFIER]), cri),
    ];
  },
};

function finding(id: string, severity: Finding['severity'], message: string, fix: string): Finding {
  return { id, severity, subject: CONFIG, message, fix };
}

function checkCri(machine: Machine, cri: Table): readonly Finding[] {
  const findings: Finding[] = [];
  const registry = tableOf(cri.registry) ?? {};
  const old = ['mirrors', 'configs', 'auths'].filter((name) => Object.keys(tableOf(registry[name]) ?? {}).length > 0);
  if (old.length > 0)
    findings.push(
      finding(
        'cri-old-registry-settings',
        'critical',
        `registry.${old.join(', registry.')}: settings of old that switch certs.d off and fall back to the registry`,
        'use registry.config_path and hosts.toml: hallmark gateway config containerd',
      ),
    );
  if ((registry.config_path ?? '') === '')
    findings.push(
      finding(
        'cri-without-hosts',
        // where somebody wrote hosts files, they meant them to be read
        machine.names(machine.system('/etc/containerd/certs.d')).length > 0 ? 'critical' : 'note',
        'registry.config_path is not set: hosts.toml is not read, and Kubernetes pulls straight from registries',
        'set config_path = "/etc/containerd/certs.d"',
      ),
    );
  return findings;
}

/** Settings with which containerd pulls by its old way, which calls no verifier; it chooses that by itself. */
function localPullReasons(cri: readonly Table[]): readonly string[] {
  return cri.flatMap((table) => {
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

function checkVerifiers(machine: Machine, verifier: Table | undefined, cri: readonly Table[]): readonly Finding[] {
  const place = String(at(verifier, 'bin_dir') ?? DEFAULT_BIN_DIR);
  const programs = machine.names(machine.system(place));
  if (verifier === undefined && programs.length === 0) return [];
  const findings: Finding[] = [];
  if (programs.length === 0)
    findings.push(
      finding(
        'verifier-missing',
        'critical',
        `${place} holds no verifier: every image is let through`,
        `install hallmark image-verifier there`,
      ),
    );
  const limit = Number(at(verifier, 'max_verifiers') ?? DEFAULT_MAX_VERIFIERS);
  if (limit >= 0 && programs.length > limit)
    findings.push(
      finding(
        'verifier-beyond-limit',
        'critical',
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
        `containerd pulls by its old way, which asks no verifier, because of ${reasons.join(', ')}`,
        'remove these settings',
      ),
    );
  return findings;
}
