// SPDX-License-Identifier: Apache-2.0

/** A pod's review with all that Kubernetes puts into one: defaults filled in, who asks, how it was asked. */
export function wholeReview(image: string): string {
  const token = {
    name: 'kube-api-access-x',
    mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
    readOnly: true,
  };
  const metadata = {
    name: 'p',
    namespace: 'default',
    uid: '9c4d',
    creationTimestamp: null,
    annotations: { image: 'x:1' },
  };
  const container = {
    ...{ name: 'c', image, imagePullPolicy: 'IfNotPresent', ports: [{ containerPort: 80, protocol: 'TCP' }] },
    ...{ env: [{ name: 'IMAGE', value: 'x:1' }], resources: {}, volumeMounts: [token] },
    ...{ terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File' },
  };
  const projected = {
    defaultMode: 420,
    sources: [{ serviceAccountToken: { expirationSeconds: 3607, path: 'token' } }],
  };
  const spec = {
    ...{ containers: [container], initContainers: null, volumes: [{ name: token.name, projected }] },
    ...{ dnsPolicy: 'ClusterFirst', restartPolicy: 'Always', schedulerName: 'default-scheduler', securityContext: {} },
    ...{
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
      priority: 0,
      serviceAccountName: 'default',
    },
    ...{
      terminationGracePeriodSeconds: 30,
      tolerations: [{ key: 'node', operator: 'Exists', tolerationSeconds: 300 }],
    },
  };
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const resource = { group: '', version: 'v1', resource: 'pods' };
  const request = {
    ...{
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind,
      requestKind: kind,
      resource,
      requestResource: resource,
    },
    ...{
      name: 'p',
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: 'ann', groups: ['system:masters'] },
    },
    ...{ object: { kind: 'Pod', apiVersion: 'v1', metadata, spec, status: {} }, oldObject: null, dryRun: false },
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'kubectl-create' },
  };
  return JSON.stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request });
}
