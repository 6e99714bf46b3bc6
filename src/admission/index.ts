// SPDX-License-Identifier: Apache-2.0
/**
 * Kubernetes' admission: every image that an object names is decided by the policy, and rewritten to the digest that was
 * signed. It decides nothing by itself, and an object of which it cannot tell what it names is refused.
 *
 *     const fetch = admissionWebhook({ engine, mutate: true, paths: new Map(), onError: (error) => log.error({ error }, 'admission') });
 *     listen({ fetch, tls: identity, hostname: '0.0.0.0', port: 8443 });
 */
export { type ImagePaths, parseImagePath } from './image-fields.ts';
export { Kubernetes } from './kubernetes.ts';
export { admissionWebhook } from './webhook.ts';
