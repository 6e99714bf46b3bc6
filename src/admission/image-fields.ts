// SPDX-License-Identifier: Apache-2.0
import { type AdmissionRequest, type JsonObject, member, objectOf } from './review.ts';

/** A place in an object that names an image. */
export interface ImageField {
  /** JSON pointer (RFC 6901). */
  readonly pointer: string;
  readonly image: string;
}

/** A field that should name an image and does not hold text. */
export class ImageFieldError extends Error {
  override readonly name = 'ImageFieldError';
}

/** A kind whose images nobody has said where to find. */
export class UnknownKindError extends Error {
  override readonly name = 'UnknownKindError';
}

/**
 * Where images stand in a pod's specification: every container of any sort, and volumes that are images, which other
 * controllers pass over (S30).
 */
const IN_POD = [
  'initContainers[*].image',
  'containers[*].image',
  'ephemeralContainers[*].image',
  'volumes[*].image.reference',
];

/** Where each kind of Kubernetes has its pod's specification. */
const POD_SPECS: ReadonlyMap<string, string> = new Map([
  ['/Pod', 'spec'],
  ['/ReplicationController', 'spec.template.spec'],
  ['/PodTemplate', 'template.spec'],
  ['apps/Deployment', 'spec.template.spec'],
  ['apps/ReplicaSet', 'spec.template.spec'],
  ['apps/StatefulSet', 'spec.template.spec'],
  ['apps/DaemonSet', 'spec.template.spec'],
  ['batch/Job', 'spec.template.spec'],
  ['batch/CronJob', 'spec.jobTemplate.spec.template.spec'],
]);

/** Paths of images by `group/Kind`, for kinds that Kubernetes does not know: `argoproj.io/Workflow`. */
export type ImagePaths = ReadonlyMap<string, readonly string[]>;

const SEGMENT = /^([A-Za-z0-9_-]+)((?:\[\*\])*)$/;

/** `spec.templates[*].container.image` as its steps; undefined if it is no such path. */
export function parseImagePath(path: string): readonly string[] | undefined {
  const steps: string[] = [];
  for (const part of path.split('.')) {
    const [, name, stars] = SEGMENT.exec(part) ?? [];
    if (name === undefined || stars === undefined) return undefined;
    steps.push(name, ...Array.from({ length: stars.length / 3 }, () => '*'));
  }
  return steps;
}

/**
 * All images that an object names, whatever its replicas. An absent field is none; one that is there and is no text is an
 * error, since the API server may yet read an image in it.
 * @throws UnknownKindError, ImageFieldError
 */
export function imageFields(
  kind: AdmissionRequest['kind'],
  object: JsonObject,
  more: ImagePaths,
): readonly ImageField[] {
  const name = `${kind.group}/${kind.kind}`;
  const spec = POD_SPECS.get(name);
  const paths = [...(spec === undefined ? [] : IN_POD.map((path) => `${spec}.${path}`)), ...(more.get(name) ?? [])];
  if (paths.length === 0)
    throw new UnknownKindError(
      `nobody has said where ${kind.kind} of ${kind.group || 'the core group'} names its images`,
    );
  const found = paths.flatMap((path) => walk(object, parseImagePath(path) ?? [], ''));
  return [...new Map(found.map((field) => [field.pointer, field])).values()];
}

function walk(value: unknown, steps: readonly string[], pointer: string): readonly ImageField[] {
  const [step, ...rest] = steps;
  if (value === undefined || value === null) return [];
  if (step === undefined) {
    if (typeof value !== 'string') throw new ImageFieldError(`${pointer} names no image`);
    return value === '' ? [] : [{ pointer, image: value }];
  }
  if (step === '*') {
    if (!Array.isArray(value)) throw new ImageFieldError(`${pointer} is no list`);
    return value.flatMap((item, index) => walk(item, rest, `${pointer}/${index}`));
  }
  if (objectOf(value) === undefined) throw new ImageFieldError(`${pointer} is no object`);
  return walk(member(value, step), rest, `${pointer}/${escaped(step)}`);
}

function escaped(step: string): string {
  return step.replaceAll('~', '~0').replaceAll('/', '~1');
}
