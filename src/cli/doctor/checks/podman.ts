// SPDX-License-Identifier: Apache-2.0
import type { Check, Finding } from '../finding.ts';
import { listOf, parseJson, parseToml, tablesOf } from '../settings-files.ts';

const REGISTRIES = '/etc/containers/registries.conf';
const DROP_INS = '/etc/containers/registries.conf.d';
const POLICY = '/etc/containers/policy.json';

/** podman, CRI-O, buildah and skopeo: mirrors that fall back, and a policy that accepts everything. */
export const podman: Check = {
  about: 'podman and CRI-O',
  run(machine) {
    const files = [REGISTRIES, ...machine.names(machine.system(DROP_INS)).map((name) => `${DROP_INS}/${name}`)];
    const findings: Finding[] = [];
    let redirects = false;
    for (const file of files) {
      const text = machine.text(machine.system(file));
      if (text === undefined) continue;
      for (const registry of tablesOf(parseToml(text)?.registry)) {
        const prefix = String(registry.prefix ?? registry.location ?? '');
        if (listOf(registry.mirror).length > 0) findings.push(fallsBack(file, prefix));
        else if (registry.location !== undefined && registry.location !== prefix) redirects = true;
      }
    }
    const isOpen = acceptsAnything(machine.text(machine.system(POLICY)));
    if (isOpen && (redirects || findings.length > 0)) findings.push(openPolicy());
    return findings;
  },
};

function fallsBack(file: string, prefix: string): Finding {
  return {
    id: 'podman-mirror-falls-back',
    severity: 'critical',
    subject: file,
    message: `${prefix} has a mirror: whatever it refuses is pulled from the registry itself`,
    fix: 'rewrite location to the gateway instead: hallmark gateway config podman',
  };
}

function openPolicy(): Finding {
  return {
    id: 'podman-policy-open',
    severity: 'warning',
    subject: POLICY,
    message: 'the default accepts anything: registries that registries.conf does not name are pulled from directly',
    fix: 'make the default reject and list the registries: hallmark gateway config podman',
  };
}

function acceptsAnything(text: string | undefined): boolean {
  const policy = text === undefined ? undefined : parseJson(text);
  return tablesOf(policy?.default).some(({ type }) => type === 'insecureAcceptAnything');
}
