// SPDX-License-Identifier: Apache-2.0
import { admissionWebhook, type ImagePaths, Kubernetes, parseImagePath } from '../../../admission/index.ts';
import { listenReloading, loadTlsIdentity } from '../../../service/index.ts';
import { listenAddress } from '../../address.ts';
import type { CommandContext } from '../../context.ts';
import { UsageError } from '../../usage-error.ts';
import { type EnforcementOptions, openEnforcementPoint } from './enforcement-point.ts';

export interface AdmissionCommandOptions extends EnforcementOptions {
  readonly listen: string;
  readonly tlsCert: string;
  readonly tlsKey: string;
  readonly validateOnly?: boolean;
  readonly ownerRule?: boolean;
  readonly imagePath?: readonly string[];
}

/** `hallmark admission`: the webhook that a cluster asks about every object with images, until it is told to stop. */
export async function admission(context: CommandContext, options: AdmissionCommandOptions): Promise<void> {
  const { io } = context;
  const paths = imagePaths(options.imagePath ?? []);
  const cluster = options.ownerRule === true ? { cluster: new Kubernetes({ server: clusterOf(io.env) }) } : {};
  const loadTls = () => loadTlsIdentity(options.tlsCert, options.tlsKey, io.now());
  const address = listenAddress(options.listen, '--listen');
  const { engine, log, close } = await openEnforcementPoint(context, 'admission', options);
  try {
    const onError = (error: unknown) => log.error({ error }, 'admission failed');
    const fetch = admissionWebhook({ engine, mutate: options.validateOnly !== true, paths, ...cluster, onError });
    const listener = await listenReloading({ fetch, loadTls, log, clock: () => io.now(), ...address });
    io.stdout.write(`ready admission=${listener.url}/admit\n`);
    await io.untilStopped();
    await listener.stop();
  } finally {
    await close();
  }
}

/** `argoproj.io/Workflow=spec.templates[*].container.image`, any number of them. @throws UsageError */
function imagePaths(given: readonly string[]): ImagePaths {
  const paths = new Map<string, readonly string[]>();
  for (const text of given) {
    const [, kind, path] = /^([a-z0-9.-]*\/[A-Za-z0-9]+)=(.+)$/.exec(text) ?? [];
    if (kind === undefined || path === undefined || parseImagePath(path) === undefined)
      throw new UsageError(
        `--image-path ${text}: give GROUP/KIND=PATH, as argoproj.io/Workflow=spec.templates[*].container.image`,
      );
    paths.set(kind, [...(paths.get(kind) ?? []), path]);
  }
  return paths;
}

function clusterOf(env: Readonly<Record<string, string | undefined>>): string {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = env;
  if (host === undefined || host === '')
    throw new UsageError('--owner-rule works in a cluster only: there is no KUBERNETES_SERVICE_HOST');
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
