// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster, OwnerReference } from './owners.ts';
import { type JsonObject, objectOf } from './review.ts';

/** Where a pod finds its own account (Kubernetes' documented place). */
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const ASK_MILLISECONDS = 2000;
const MAX_BYTES = 4 * 1024 * 1024;

/** Resources by kind: those that own others whose images are looked at. */
const RESOURCES: ReadonlyMap<string, string> = new Map([
  ['/ReplicationController', 'replicationcontrollers'],
  ['apps/ReplicaSet', 'replicasets'],
  ['apps/StatefulSet', 'statefulsets'],
  ['apps/DaemonSet', 'daemonsets'],
  ['apps/Deployment', 'deployments'],
  ['batch/Job', 'jobs'],
  ['batch/CronJob', 'cronjobs'],
]);

const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

export interface KubernetesOptions {
  /** `https://kubernetes.default.svc` */
  readonly server: string;
  /** The directory of the account's token and of the cluster's authority. */
  readonly account?: string;
}

/** The cluster's API, read with the pod's own account, whose token is read anew each time since it is rotated. */
export class Kubernetes implements Cluster {
  readonly #server: string;
  readonly #account: string;

  constructor({ server, account = ACCOUNT }: KubernetesOptions) {
    this.#server = server;
    this.#account = account;
  }

  async get(owner: OwnerReference, namespace: string): Promise<JsonObject | undefined> {
    const path = pathOf(owner, namespace);
    if (path === undefined) return undefined;
    const [token, ca] = await Promise.all(
      ['token', 'ca.crt'].map((name) => readFile(join(this.#account, name), 'utf8')),
    );
    const response = await fetch(`${this.#server}${path}`, {
      headers: { authorization: `Bearer ${token?.trim()}`, accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(ASK_MILLISECONDS),
      tls: { ca: ca ?? '' },
    });
    if (response.status === 404) return undefined;
    if (response.status !== 200) throw new Error(`the cluster answered ${response.status} to ${path}`);
    const text = await response.text();
    if (text.length > MAX_BYTES) throw new Error(`the cluster sent more than ${MAX_BYTES} bytes for ${path}`);
    return objectOf(JSON.parse(text));
  }
}

/** Names come from an object that anybody may have written: they are held against the form of names first. */
function pathOf({ group, version, kind, name }: OwnerReference, namespace: string): string | undefined {
  const resource = RESOURCES.get(`${group}/${kind}`);
  if (resource === undefined || ![version, name, namespace].every((part) => NAME.test(part))) return undefined;
  const base = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${base}/namespaces/${namespace}/${resource}/${name}`;
}
