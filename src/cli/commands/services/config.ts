// SPDX-License-Identifier: Apache-2.0
import { type FormName, loadServerConfig, serverConfigSchema } from '../../../server/config/index.ts';
import { checkServer } from '../../../server/start/index.ts';
import type { CheckResult } from '../../../service/config/index.ts';
import { SILENT_LOG } from '../../../service/index.ts';
import { loadSignerConfig, signerConfigSchema } from '../../../signer/config/index.ts';
import { checkSigner } from '../../../signer/start/index.ts';
import type { CommandContext } from '../../context.ts';
import { ExitCode } from '../../exit-codes.ts';
import type { Io } from '../../io.ts';
import { jsonText } from '../../json-text.ts';
import { PartialFailure, UsageError } from '../../usage-error.ts';
import { VERSION } from '../../version.ts';
import { serviceOf } from './service-of-config.ts';

/** `hallmark config check FILE`: a line for each thing that was tried; fails when one of them did. */
export async function checkConfig({ io, globals }: CommandContext, file: string): Promise<void> {
  const service = await serviceOf(file);
  const checks = await checksOf(io, service, file);
  const failed = checks.filter(({ result }) => result === 'failed').length;
  if (globals.json === true) {
    io.stdout.write(jsonText({ file, service, ok: failed === 0, checks }, 0));
  } else {
    for (const { check, result, detail } of checks) io.stdout.write(`${result.padEnd(7)}  ${check}: ${detail}\n`);
  }
  if (failed > 0) throw new PartialFailure(`${file}: ${failed} of ${checks.length} checks failed`, ExitCode.failed);
}

async function checksOf(
  io: Io,
  service: 'server' | 'signer' | 'gateway',
  file: string,
): Promise<readonly CheckResult[]> {
  const context = { env: io.env, clock: () => io.now(), log: SILENT_LOG, version: VERSION };
  const understood = (form?: FormName): CheckResult => {
    const words = form === undefined ? '' : `, in ${form === 'own' ? "Hallmark's own form" : "Notary's form"}`;
    return { check: 'configuration', result: 'ok', detail: `of a ${service}${words}` };
  };
  switch (service) {
    case 'server': {
      const { settings, form } = await loadServerConfig(file, io.env);
      return [understood(form), ...(await checkServer(settings, context))];
    }
    case 'signer': {
      const { settings, form } = await loadSignerConfig(file, io.env);
      return [understood(form), ...(await checkSigner(settings, context))];
    }
    case 'gateway': {
      const { checkGateway, loadGatewayConfig } = await import('../../../gateway/index.ts');
      return [understood(), ...(await checkGateway(await loadGatewayConfig(file), io.now()))];
    }
    default:
      return service satisfies never;
  }
}

/** `hallmark config schema server|signer` */
export function configSchema({ io }: CommandContext, service: string, options: { readonly notary?: boolean }): void {
  if (service !== 'server' && service !== 'signer')
    throw new UsageError(`there is no service ${service}: server or signer`);
  const form = options.notary === true ? 'notary' : 'own';
  const schema = service === 'server' ? serverConfigSchema(form) : signerConfigSchema(form);
  io.stdout.write(jsonText(schema));
}
