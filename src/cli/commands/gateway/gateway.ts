// SPDX-License-Identifier: Apache-2.0
import { type Engine, engineConfig, loadGatewayConfig, openGateway } from '../../../gateway/index.ts';
import { dockerCredentials, InvalidReferenceError, parseReference } from '../../../registry/index.ts';
import { openLog } from '../../../service/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { UsageError } from '../../usage-error.ts';

/** `hallmark gateway`: serves until it is told to stop. */
export async function gateway({ io }: CommandContext, options: { readonly config?: string }): Promise<void> {
  if (options.config === undefined) throw new UsageError('hallmark gateway needs --config FILE');
  const log = openLog('info');
  const opened = await openGateway({
    config: await loadGatewayConfig(options.config),
    clock: () => io.now(),
    log,
    credentials: (domain) => dockerCredentials(domain, { env: io.env }),
  });
  try {
    for (const warning of opened.warnings) io.stderr.write(`Warning: ${warning}\n`);
    if (opened.caFile !== undefined) io.stdout.write(`# its authority, for engines: ${opened.caFile}\n`);
    const metrics = opened.metricsUrl === undefined ? '' : ` metrics=${opened.metricsUrl}`;
    io.stdout.write(`ready gateway=${opened.url}${metrics}\n`);
    await io.untilStopped();
  } finally {
    await opened.stop();
  }
}

export interface EngineConfigFlags {
  readonly gateway: string;
  readonly gatewayCa: string;
  readonly registry: readonly string[];
  readonly pushTo?: readonly string[];
}

/** `hallmark gateway config ENGINE`: the files, each after a line with its path; with --json a list of path and content. */
export async function printEngineConfig(
  { io, globals }: CommandContext,
  engine: Engine,
  { gateway: url, gatewayCa: ca, registry, pushTo = [] }: EngineConfigFlags,
): Promise<void> {
  if (URL.parse(url)?.protocol !== 'https:') throw new UsageError(`--gateway: ${url} is no https URL`);
  const odd = registry.find((one) => !isRegistry(one));
  if (odd !== undefined) throw new UsageError(`--registry: ${odd} is no registry as it stands in image names`);
  const stranger = pushTo.find((one) => !registry.includes(one));
  if (stranger !== undefined) throw new UsageError(`--push-to: ${stranger} is none of --registry`);
  const files = engineConfig(engine, { gateway: url.replace(/\/+$/, ''), ca, registries: registry, pushTo });
  if (globals.json) io.stdout.write(jsonText(files));
  else io.stdout.write(files.map(({ path, content }) => `# ${path}\n${content}`).join('\n'));
}

/** The name becomes a directory, so it has to be nothing but a host and a port. */
function isRegistry(name: string): boolean {
  try {
    return parseReference(`${name}/x`).domain === name;
  } catch (error) {
    if (error instanceof InvalidReferenceError) return false;
    throw error;
  }
}
