// SPDX-License-Identifier: Apache-2.0
import { chooseRule, type Decision, type PolicyEngine, refusalText } from '../policy/index.ts';
import { parseReference } from '../registry/index.ts';
import { type ImageField, ImageFieldError, type ImagePaths, imageFields, UnknownKindError } from './image-fields.ts';
import { type Cluster, controllerOf, isOwner } from './owners.ts';
import { type AdmissionRequest, member, type PatchOperation, type Verdict } from './review.ts';

export interface AdmissionOptions {
  readonly engine: Pick<PolicyEngine, 'decide' | 'policy'>;
  /** Whether images are rewritten to `name:tag@digest`; otherwise the object stays as it is. */
  readonly mutate: boolean;
  /** Where kinds beyond Kubernetes' own name their images. */
  readonly paths: ImagePaths;
  /** Where owners are looked up; without it every object is judged by itself. */
  readonly cluster?: Cluster;
}

/** More images in one object serve nobody, and each may cost a verification (S32). */
const MAX_IMAGES = 256;
const JUDGED = new Set(['CREATE', 'UPDATE']);
const DIGEST = /@sha256:[0-9a-f]{64}$/;

/** Whether an object may enter the cluster: every image that it names has to be allowed by the policy. */
export async function admit(request: AdmissionRequest, options: AdmissionOptions): Promise<Verdict> {
  if (!JUDGED.has(request.operation)) return { allowed: true };
  if (request.object === undefined) return { allowed: false, message: 'content trust: the request has no object' };
  try {
    const fields = imageFields(request.kind, request.object, options.paths);
    if (fields.length > MAX_IMAGES) return refuse(`the object names more than ${MAX_IMAGES} images`);
    if (isLeaving(request, fields, options) || (await isVouchedFor(request, fields, options))) return { allowed: true };
    return await judge(fields, options);
  } catch (error) {
    if (error instanceof ImageFieldError || error instanceof UnknownKindError) return refuse(error.message);
    throw error;
  }
}

function refuse(message: string): Verdict {
  return { allowed: false, code: 403, message: `content trust: ${message}` };
}

/** An object that is being deleted, and changes no image on its way: its finalizers must be able to let it go. */
function isLeaving(
  { object, oldObject, kind }: AdmissionRequest,
  fields: readonly ImageField[],
  { paths }: AdmissionOptions,
): boolean {
  if (oldObject === undefined || typeof member(member(object, 'metadata'), 'deletionTimestamp') !== 'string')
    return false;
  const before = new Set(imageFields(kind, oldObject, paths).map(({ pointer, image }) => `${pointer} ${image}`));
  return fields.every(({ pointer, image }) => before.has(`${pointer} ${image}`));
}

/**
 * The owner rule: what a controller makes of an object that was admitted is admitted, if that object, asked of the cluster
 * itself, names the very same images by digest. A reference alone proves nothing; neither does an owner that names a tag. Only trust
 * data may have said otherwise then: what a rule says without them (`deny`, `pinned`) is asked of it again.
 */
async function isVouchedFor(
  request: AdmissionRequest,
  fields: readonly ImageField[],
  { cluster, paths, engine }: AdmissionOptions,
): Promise<boolean> {
  const owner = controllerOf(request);
  if (cluster === undefined || owner === undefined || request.namespace === undefined || fields.length === 0)
    return false;
  if (!fields.every(({ image }) => DIGEST.test(image))) return false;
  try {
    const isVerified = ({ image }: ImageField) =>
      chooseRule(engine.policy, parseReference(image)).rule.terms.kind === 'verify';
    if (!fields.every(isVerified)) return false;
    const stored = await cluster.get(owner, request.namespace);
    if (stored === undefined || !isOwner(stored, owner)) return false;
    const images = new Set(imageFields(owner, stored, paths).map(({ image }) => image));
    return fields.every(({ image }) => images.has(image));
  } catch {
    // the owner rule only saves work: without it the object is judged like any other
    return false;
  }
}

async function judge(fields: readonly ImageField[], { engine, mutate }: AdmissionOptions): Promise<Verdict> {
  const images = [...new Set(fields.map(({ image }) => image))];
  const decisions = new Map(
    await Promise.all(images.map(async (image) => [image, await engine.decide(image)] as const)),
  );
  const refused = [...decisions].flatMap(([image, decision]) =>
    decision.outcome === 'allow'
      ? []
      : [{ outcome: decision.outcome, text: `${image}: ${refusalText(decision, decision.rule)}` }],
  );
  if (refused.length > 0) {
    const isDenied = refused.some(({ outcome }) => outcome === 'deny');
    const told = refused.map(({ text }) => text).join('; ');
    return { allowed: false, code: isDenied ? 403 : 503, message: `content trust: ${told}` };
  }
  return {
    allowed: true,
    warnings: [...decisions].flatMap(([image, decision]) => warningOf(image, decision)),
    patch: mutate ? fields.flatMap((field) => patchOf(field, decisions.get(field.image))) : [],
  };
}

/** What mode `warn` or `audit` lets through is told to whoever applied it (S29). */
function warningOf(image: string, decision: Decision): readonly string[] {
  if (decision.outcome !== 'allow' || decision.overruled === undefined) return [];
  return [`content trust: ${image}: would be refused: ${decision.overruled.message}`];
}

/** Property 5: what was verified is what is used. The tag stays readable before the digest. */
function patchOf({ pointer, image }: ImageField, decision: Decision | undefined): readonly PatchOperation[] {
  if (decision?.outcome !== 'allow' || !decision.verified || decision.digest === undefined || DIGEST.test(image))
    return [];
  const hasTag = image.slice(image.lastIndexOf('/') + 1).includes(':');
  return [{ op: 'replace', path: pointer, value: `${image}${hasTag ? '' : ':latest'}@${decision.digest}` }];
}
