// SPDX-License-Identifier: Apache-2.0
import { type AdmissionRequest, type JsonObject, member, objectOf } from './review.ts';

/** The object that made another: a ReplicaSet its pods, a CronJob its jobs. */
export interface OwnerReference {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** Finds objects of the cluster. */
export interface Cluster {
  /** The object as it is stored; undefined if there is none. Rejects if it cannot be asked. */
  get(owner: OwnerReference, namespace: string): Promise<JsonObject | undefined>;
}

/** The controller of an object, if it says that it has one. */
export function controllerOf({ object }: AdmissionRequest): OwnerReference | undefined {
  const references = member(member(object, 'metadata'), 'ownerReferences');
  const found = Array.isArray(references)
    ? references.find((reference) => member(reference, 'controller') === true)
    : undefined;
  const [apiVersion, kind, name, uid] = ['apiVersion', 'kind', 'name', 'uid'].map((field) => member(found, field));
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof name !== 'string' || typeof uid !== 'string')
    return undefined;
  const slash = apiVersion.indexOf('/');
  return { group: slash < 0 ? '' : apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1), kind, name, uid };
}

/** Whether it is the very object that the reference means: anybody can write a reference. */
export function isOwner(object: JsonObject | undefined, { uid }: OwnerReference): boolean {
  return member(objectOf(member(object, 'metadata')), 'uid') === uid;
}
