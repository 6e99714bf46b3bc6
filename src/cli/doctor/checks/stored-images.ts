// SPDX-License-Identifier: Apache-2.0
import type { Check, Finding } from '../finding.ts';
import type { Machine } from '../machine.ts';
import { parseJson } from '../settings-files.ts';
import { redirectedRegistries } from './gateway-hosts.ts';

const NONE = '<none>';
const NAMED = 5;
const MAX_JUDGED = 100;

interface StoredImage {
  /** `NAME:TAG`, or `NAME` alone. */
  readonly name: string;
  readonly digest: string | undefined;
}

/** What the engine holds already: it runs that without asking anybody again. */
export const storedImages: Check = {
  about: "images in Docker's store",
  async run(machine) {
    const isWanted = machine.online?.judge !== undefined || redirectedRegistries(machine, 'docker').length > 0;
    const images = isWanted ? await imagesOf(machine) : [];
    const unjudged = images.filter(({ digest }) => digest === undefined).map(({ name }) => name);
    return [...(unjudged.length === 0 ? [] : [neverJudged(unjudged)]), ...(await judged(machine, images))];
  },
};

async function imagesOf(machine: Machine): Promise<readonly StoredImage[]> {
  const text = await machine.ask(['docker', 'image', 'ls', '--digests', '--no-trunc', '--format', '{{json .}}']);
  return (text ?? '').split('\n').flatMap((line) => {
    const { Repository, Tag, Digest } = parseJson(line) ?? {};
    if (typeof Repository !== 'string' || Repository === NONE) return [];
    const name = typeof Tag === 'string' && Tag !== NONE ? `${Repository}:${Tag}` : Repository;
    return [{ name, digest: typeof Digest === 'string' && Digest !== NONE ? Digest : undefined }];
  });
}

function neverJudged(names: readonly string[]): Finding {
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return {
    id: 'images-never-judged',
    severity: 'note',
    subject: "Docker's image store",
    message: `loaded, built or tagged here, so that no gateway saw them: ${names.slice(0, NAMED).join(', ')}${more}`,
    fix: 'remove what you did not make; hallmark engine-proxy refuses to run such images',
  };
}

/** By the policy in force, of the trust servers as they are now. */
async function judged(machine: Machine, images: readonly StoredImage[]): Promise<readonly Finding[]> {
  const judge = machine.online?.judge;
  if (judge === undefined) return [];
  const known = images.flatMap(({ name, digest }) => (digest === undefined ? [] : [`${name}@${digest}`]));
  const findings: Finding[] = [];
  for (const reference of known.slice(0, MAX_JUDGED)) {
    const { outcome, reason } = await judge(reference);
    if (outcome === 'deny') findings.push(refused(reference, reason));
    else if (outcome === 'unavailable') findings.push(undecided(reference, reason));
  }
  const rest = known.length - MAX_JUDGED;
  return rest > 0
    ? [...findings, undecided(`${rest} more images`, `only the first ${MAX_JUDGED} are judged`)]
    : findings;
}

function refused(reference: string, reason: string): Finding {
  return {
    id: 'image-refused',
    severity: 'warning',
    subject: reference,
    message: `it is in the engine's store, which runs it without asking; the policy refuses it: ${reason}`,
    fix: `docker image rm ${reference}`,
  };
}

function undecided(reference: string, reason: string): Finding {
  return {
    id: 'image-undecided',
    severity: 'note',
    subject: reference,
    message: `it is in the engine's store, and whether the policy allows it could not be found out: ${reason}`,
    fix: 'ask again: hallmark policy explain tells each step',
  };
}
