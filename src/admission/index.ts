// SPDX-License-Identifier: Apache-2.0
/**
 * Kubernetes' admission: every image that an object names is decided by the policy, and rewritten to the digest that was
 * signed. It decides nothing by itself, and an object of which it cannot tell what it names is refused.
 *
 *     const fetch = admissionWebhook({ engine, mutate: true, paths: new Map(), onError: (error) => log.error({ error }, 'admission') });
 *     listen({ fetch, tls: identity, hostname: '0.0.0.0', port: 8443 });
 */
export { type AdmissionOptions, admit } from './admit.ts';
export { type ImageField, type ImagePaths, imageFields, parseImagePath } from './image-fields.ts';
export { Kubernetes, type KubernetesOptions } from './kubernetes.ts';
export type { Cluster, OwnerReference } from './owners.ts';
export { type AdmissionRequest, parseReview, ReviewError, reviewOf, type Verdict } from './review.ts';
export { admissionWebhook, type WebhookOptions } from './webhook.ts';
