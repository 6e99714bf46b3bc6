// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import type { RuleDocument } from '../schema.ts';
import { type Conversion, ConversionError, patternsOf, pinName, pinOfPem } from './conversion.ts';

const validator = z.looseObject({
  name: z.string(),
  type: z.string(),
  approve: z.boolean().optional(),
  host: z.string().optional(),
  cert: z.string().optional(),
  auth: z.unknown().optional(),
  trustRoots: z.array(z.looseObject({ name: z.string(), key: z.string().optional() })).optional(),
});
const rule = z.looseObject({
  pattern: z.string(),
  validator: z.string().optional(),
  with: z.looseObject({ trustRoot: z.string().optional(), delegations: z.array(z.string()).optional() }).optional(),
});
const application = z.looseObject({
  validators: z.array(validator),
  policy: z.array(rule),
  features: z
    .looseObject({ detectionMode: z.boolean().optional(), automaticUnchangedApproval: z.boolean().optional() })
    .optional(),
});

type Validator = z.infer<typeof validator>;
type PolicyRule = z.infer<typeof rule>;

const KNOWN_WITH = ['trustRoot', 'delegations'];
const HUB_NOTARY = 'notary.docker.io';

/** Connaisseur's Helm values, or the `application` part of them. @throws ConversionError */
export function fromConnaisseur(value: unknown): Conversion {
  const outer = z.looseObject({ application: application.optional() }).safeParse(value);
  const inner = outer.success && outer.data.application !== undefined ? outer.data.application : value;
  const read = application.safeParse(inner);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new ConversionError(`not Connaisseur's values: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { validators, policy, features } = read.data;
  const notes: string[] = [];
  const byName = new Map(validators.map((one) => [one.name, one]));
  const isLenient = features?.detectionMode === true;
  const rules = policy
    .map((one) => convertRule(one, byName, notes))
    .map((one) => (isLenient ? { ...one, mode: 'warn' as const } : one));
  if (features?.automaticUnchangedApproval === true)
    notes.push('automaticUnchangedApproval is not carried over: consider digests: { signed-ever: 30d }');
  if (validators.some(({ auth }) => auth !== undefined))
    notes.push("logins of trust servers are not carried over: they are taken from Docker's config.json");
  return {
    document: { version: 1, ...(isLenient ? { default: { action: 'deny', mode: 'warn' } as const } : {}), rules },
    notes,
  };
}

function convertRule(one: PolicyRule, byName: ReadonlyMap<string, Validator>, notes: string[]): RuleDocument {
  const images = convertPattern(one.pattern, notes);
  const name = one.validator ?? 'default';
  const found = byName.get(name);
  if (found === undefined) {
    notes.push(`${one.pattern}: there is no validator ${name}: denied`);
    return { images, action: 'deny' };
  }
  if (found.type === 'static') return { images, action: found.approve === true ? 'allow' : 'deny' };
  if (found.type !== 'notaryv1') {
    notes.push(`${one.pattern}: validator ${name} is of type ${found.type}, which is not Docker Content Trust: denied`);
    return { images, action: 'deny' };
  }
  for (const field of Object.keys(one.with ?? {}))
    if (!KNOWN_WITH.includes(field)) notes.push(`${one.pattern}: with.${field} is not carried over`);
  const { delegations = [] } = one.with ?? {};
  if (delegations.length > 0)
    notes.push(
      `${one.pattern}: the required signers must sign what targets/releases or targets names, where it names the tag`,
    );
  return {
    images,
    server: `https://${found.host ?? HUB_NOTARY}`,
    ...(found.cert === undefined ? {} : { ca: found.cert }),
    pins: { keys: { [pinName(images)]: rootKeys(found, one.with?.trustRoot ?? 'default', one.pattern) } },
    ...(delegations.length === 0 ? {} : { signers: delegations }),
  };
}

function rootKeys({ name, trustRoots = [] }: Validator, wanted: string, pattern: string): string[] {
  const chosen = wanted === '*' ? trustRoots : trustRoots.filter((root) => root.name === wanted);
  if (chosen.length === 0) throw new ConversionError(`${pattern}: validator ${name} has no trust root ${wanted}`);
  return chosen.map((root) => pinOfPem(root.key ?? '', `validator ${name}, trust root ${root.name}`));
}

function convertPattern(text: string, notes: string[]): string | string[] {
  if (text.includes('@')) notes.push(`${text}: patterns with digests are not carried over: it covers every digest`);
  if (!text.endsWith('*')) notes.push(`${text}: what only begins so is not covered here, and was there`);
  const named = text.split('@', 1)[0] ?? '';
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  return colon === -1
    ? patternsOf(named, '*', notes)
    : patternsOf(named.slice(0, colon), named.slice(colon + 1), notes);
}
