// SPDX-License-Identifier: Apache-2.0
import { DownloadError } from '../../client/index.ts';
import { parseReference } from '../../registry/index.ts';
import { trustReport } from '../../report/index.ts';
import { VerificationError } from '../../tuf/index.ts';
import type { CommandContext } from '../context.ts';
import { failureOf } from '../errors.ts';
import { ExitCode } from '../exit-codes.ts';
import { type Inspected, inspectedBy, inspectionJson, inspectionText } from '../inspection.ts';
import { PartialFailure } from '../usage-error.ts';

/** `hallmark inspect REF…`: who signed what, in the forms of `docker trust inspect` (reference 10.6). */
export async function inspect(
  context: CommandContext,
  texts: readonly string[],
  options: { readonly pretty?: boolean },
): Promise<void> {
  const { io } = context;
  const found: Inspected[] = [];
  let failure: { exitCode: ExitCode; message: string } | undefined;
  for (const text of texts) {
    const reference = parseReference(text);
    const session = context.view(reference);
    try {
      const { targets } = await session.refresh();
      found.push(inspectedBy(text, reference, trustReport(session.gun, targets)));
    } catch (error) {
      if (!(error instanceof VerificationError) && !(error instanceof DownloadError)) throw error;
      failure ??= {
        exitCode: failureOf(error, session.gun).exitCode,
        message: `no signatures or cannot access ${text}`,
      };
      io.stderr.write(`${failureOf(error, session.gun).message}\n`);
    }
  }
  if (options.pretty) io.stdout.write(found.map(inspectionText).join('\n\n'));
  else io.stdout.write(inspectionJson(found));
  if (failure !== undefined) throw new PartialFailure(failure.message, failure.exitCode || ExitCode.failed);
}
