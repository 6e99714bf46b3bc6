// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

/** The form of a policy file. What it means, and what belongs together, is decided in `compile.ts`. */

const SPAN = /^[0-9]{1,6}[smhd]$/;
const span = z.string().regex(SPAN, 'not a span such as 90s, 15m, 12h or 30d').describe('a span such as 15m, 12h, 30d');
const digest = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'not a digest sha256:<64 hex digits>')
  .describe('digest of a manifest');
const signer = z
  .string()
  .regex(/^(?:targets\/)?[-a-z0-9_]+(?:\/[-a-z0-9_]+)*$/, 'not the name of a signer')
  .describe('a signer as docker trust names it, or a whole role such as targets/qa/bob');
const names = z.array(signer).min(1).max(64);

const pins = z.union([
  z.string().min(1).describe('a file as hallmark pin export writes it, relative to the policy'),
  z.strictObject({
    certs: z.record(z.string(), z.array(z.string())).optional(),
    keys: z.record(z.string(), z.array(z.string())).optional(),
    ca: z.record(z.string(), z.string()).optional(),
  }),
]);

const terms = {
  action: z.enum(['verify', 'pinned', 'allow', 'deny']).optional(),
  mode: z.enum(['enforce', 'warn', 'audit']).optional(),
  server: z.string().optional().describe('trust server, such as https://notary.example.com'),
  ca: z.string().min(1).optional().describe("the trust server's authority: PEM text, or a file relative to the policy"),
  pins: pins.optional().describe('which root keys are trusted'),
  'first-use': z.boolean().optional().describe('whether a repository that no pin covers is trusted on first use'),
  signers: z
    .union([
      names.describe('all of these must sign the same digest'),
      z.strictObject({ all: names }),
      z.strictObject({ 'at-least': z.int().min(1).max(64), of: names }),
    ])
    .optional(),
  freshness: z
    .union([
      z.literal('online').describe('the trust server is asked'),
      z.strictObject({ 'max-age': span }).describe('data so old may stand in for a server that cannot be reached'),
      z
        .strictObject({ frozen: z.record(z.string(), z.int().min(1)) })
        .describe('timestamp and snapshot may be expired; by GUN, the oldest version of the timestamp'),
    ])
    .optional(),
  digests: z
    .union([z.enum(['signed-now', 'any']), z.strictObject({ 'signed-ever': span })])
    .optional()
    .describe('which images may be asked for by digest'),
  identity: z.string().optional().describe('the name under which a mirror of an image is judged'),
  pinned: z
    .strictObject({ tags: z.record(z.string(), digest).optional(), digests: z.array(digest).optional() })
    .optional()
    .describe('for action pinned: what is allowed without trust data'),
};

const rule = z.strictObject({
  images: z.union([z.string(), z.array(z.string()).min(1).max(1000)]).describe('patterns such as docker.io/acme/**'),
  ...terms,
});

const policyDocument = z.strictObject({
  version: z.literal(1),
  recheck: span.optional().describe('for how long one check of a repository serves further decisions (5s; 5m at most)'),
  default: z.strictObject(terms).optional().describe('for images that no rule names; denies unless it says otherwise'),
  rules: z.array(rule).max(10_000).optional(),
});

export type PolicyDocument = z.infer<typeof policyDocument>;
export type RuleDocument = z.infer<typeof rule>;
export type TermsDocument = Omit<RuleDocument, 'images'>;

export interface SchemaFinding {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** The document in its form, or what is wrong with it. */
export function readDocument(value: unknown): PolicyDocument | readonly SchemaFinding[] {
  const result = policyDocument.safeParse(value);
  return result.success ? result.data : result.error.issues.flatMap((issue) => findingsOf(issue, []));
}

/** Of a choice, what is wrong with the form that came nearest: the one with the fewest findings, of these the last. */
function findingsOf(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): readonly SchemaFinding[] {
  const path = [...above, ...issue.path];
  if (issue.code !== 'invalid_union') return [{ path, message: issue.message }];
  const forms = issue.errors.map((form) => form.flatMap((inner) => findingsOf(inner, path)));
  const wrongType = (form: readonly SchemaFinding[]) => form.some((finding) => finding.path.length === path.length);
  const near = forms.filter((form) => form.length > 0 && !wrongType(form));
  return (
    near.at(-1) ?? [
      {
        path,
        message: forms
          .flat()
          .map(({ message }) => message)
          .join(', or '),
      },
    ]
  );
}

/** JSON Schema of the policy file, for editors and for `hallmark policy schema`. */
export function policySchema(): object {
  return { title: 'Hallmark policy', ...z.toJSONSchema(policyDocument, { io: 'input' }) };
}
