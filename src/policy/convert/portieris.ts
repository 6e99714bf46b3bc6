// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import type { RuleDocument } from '../schema.ts';
import { type Conversion, ConversionError, patternsOf } from './conversion.ts';

const repository = z.looseObject({
  name: z.string(),
  policy: z
    .looseObject({
      trust: z
        .looseObject({
          enabled: z.boolean().optional(),
          trustServer: z.string().optional(),
          signerSecrets: z.array(z.looseObject({ name: z.string() })).nullish(),
        })
        .nullish(),
    })
    .nullish(),
});
const resource = z.looseObject({
  kind: z.enum(['ImagePolicy', 'ClusterImagePolicy']),
  metadata: z.looseObject({ name: z.string().optional(), namespace: z.string().optional() }).optional(),
  spec: z.looseObject({ repositories: z.array(repository).nullish() }),
});
const list = z.looseObject({ items: z.array(z.unknown()) });

type Repository = z.infer<typeof repository>;

/** Portieris' ImagePolicy and ClusterImagePolicy, one or a list of them. @throws ConversionError */
export function fromPortieris(value: unknown): Conversion {
  const lists = list.safeParse(value);
  const notes: string[] = [];
  const rules = (lists.success ? lists.data.items : [value]).flatMap((item) => {
    const read = resource.safeParse(item);
    if (!read.success) {
      const [issue] = read.error.issues;
      throw new ConversionError(`no ImagePolicy of Portieris: ${issue?.path.join('.')}: ${issue?.message}`);
    }
    const { kind, metadata, spec } = read.data;
    if (kind === 'ImagePolicy')
      notes.push(
        `${metadata?.name ?? kind} holds in namespace ${metadata?.namespace ?? 'default'} alone, and here everywhere`,
      );
    return (spec.repositories ?? []).map((one) => convertRepository(one, notes));
  });
  if (rules.some(({ action }) => action === undefined))
    notes.push('root keys are not part of these policies: they are trusted on first use until pins are written');
  return { document: { version: 1, rules }, notes };
}

function convertRepository({ name, policy }: Repository, notes: string[]): RuleDocument {
  const images = patternsOf(name, '*', notes);
  const others = Object.keys(policy ?? {}).filter((field) => field !== 'trust');
  for (const field of others) {
    if (field === 'simple') notes.push(`${name}: simple signing is not Docker Content Trust: denied`);
    else notes.push(`${name}: policy.${field} is not carried over`);
  }
  if (others.includes('simple')) return { images, action: 'deny' };
  const trust = policy?.trust;
  if (trust?.enabled !== true) return { images, action: 'allow' };
  const signers = (trust.signerSecrets ?? []).map((secret) => secret.name);
  for (const secret of signers)
    notes.push(`${name}: the name of a signer stands in secret ${secret}: it is taken to have the secret's name`);
  return {
    images,
    ...(trust.trustServer === undefined ? {} : { server: trust.trustServer }),
    'first-use': true,
    ...(signers.length === 0 ? {} : { signers }),
  };
}
