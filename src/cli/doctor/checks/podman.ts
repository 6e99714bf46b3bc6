// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { Check, Finding } from '../finding.ts';
import type { Machine } from '../machine.ts';
import { at, listOf, parseJson, parseToml, tablesOf } from '../settings-files.ts';

const SYSTEM = '/etc/containers';

/** What registries.conf, and what stands beside it, says in one place. */
interface Registries {
  /** Of registries.conf itself; undefined if it is not there. */
  readonly file: string | undefined;
  /** Some registry is only mirrored, or stands for another place. */
  readonly sendsElsewhere: boolean;
  readonly findings: readonly Finding[];
}

/** podman, CRI-O, buildah and skopeo: mirrors that fall back, a policy that accepts everything, and a user's own files. */
export const podman: Check = {
  about: 'podman and CRI-O',
  run(machine) {
    const system = registriesIn(machine, machine.system(SYSTEM), SYSTEM);
    const places = ownPlaces(machine);
    const own = places.map((place) => registriesIn(machine, place, place));
    const all = [system, ...own];
    const wanted = all.some(({ sendsElsewhere }) => sendsElsewhere);
    return [
      ...all.flatMap(({ findings }) => findings),
      ...own.flatMap((found) => (system.sendsElsewhere ? replaced(found) : [])),
      ...(wanted ? policies(machine, places) : []),
    ];
  },
};

/** Whoever runs podman without root has files of their own, which take the place of the system's. */
function ownPlaces({ env }: Machine): readonly string[] {
  const homes = [env.XDG_CONFIG_HOME, env.HOME === undefined ? undefined : join(env.HOME, '.config')];
  return [...new Set(homes)].flatMap((home) => (home ? [join(home, 'containers')] : []));
}

function registriesIn(machine: Machine, place: string, named: string): Registries {
  const files = [
    'registries.conf',
    ...machine.names(join(place, 'registries.conf.d')).map((name) => `registries.conf.d/${name}`),
  ];
  const findings: Finding[] = [];
  let isRewritten = false;
  for (const file of files) {
    for (const registry of tablesOf(parseToml(machine.text(join(place, file)) ?? '')?.registry)) {
      const prefix = String(registry.prefix ?? registry.location ?? '');
      if (listOf(registry.mirror).length > 0) findings.push(fallsBack(join(named, file), prefix));
      else if (registry.location !== undefined && registry.location !== prefix) isRewritten = true;
    }
  }
  const isThere = machine.text(join(place, 'registries.conf')) !== undefined;
  return {
    file: isThere ? join(named, 'registries.conf') : undefined,
    sendsElsewhere: isRewritten || findings.length > 0,
    findings,
  };
}

function fallsBack(file: string, prefix: string): Finding {
  return {
    id: 'podman-mirror-falls-back',
    severity: 'critical',
    subject: file,
    message: `${prefix} has a mirror: whatever it refuses is pulled from the registry itself`,
    fix: 'rewrite location to the gateway instead: hallmark gateway config podman',
  };
}

function replaced({ file, sendsElsewhere }: Registries): readonly Finding[] {
  if (file === undefined || sendsElsewhere) return [];
  return [
    {
      id: 'podman-own-registries',
      severity: 'critical',
      subject: file,
      message: `takes the place of ${SYSTEM}/registries.conf for this user, and sends nothing to the gateway`,
      fix: 'remove it, or write the same into it: hallmark gateway config podman',
    },
  ];
}

function policies(machine: Machine, places: readonly string[]): readonly Finding[] {
  const files = [[machine.system(SYSTEM), SYSTEM] as const, ...places.map((place) => [place, place] as const)];
  return files.flatMap(([place, named]) => {
    const text = machine.text(join(place, 'policy.json'));
    return text !== undefined && acceptsAnything(text) ? [openPolicy(join(named, 'policy.json'))] : [];
  });
}

function openPolicy(file: string): Finding {
  return {
    id: 'podman-policy-open',
    severity: 'warning',
    subject: file,
    message: 'it accepts anything by default: registries that registries.conf does not name are pulled from directly',
    fix: 'make the default reject and list the registries: hallmark gateway config podman',
  };
}

/** By default, or for every registry: the scope `""` of the transport. */
function acceptsAnything(text: string): boolean {
  const policy = parseJson(text);
  const accepted = [policy?.default, at(policy, 'transports', 'docker', '')];
  return accepted.some((list) => tablesOf(list).some(({ type }) => type === 'insecureAcceptAnything'));
}
