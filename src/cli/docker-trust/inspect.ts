// SPDX-License-Identifier: Apache-2.0
import { InvalidReferenceError } from '../../registry/index.ts';
import { trustReport } from '../../report/index.ts';
import { VerificationError } from '../../tuf/index.ts';
import { type Inspected, inspectedBy, inspectionJson, inspectionText } from '../inspection.ts';
import type { TrustCommandAction, TrustContext } from './context.ts';
import { reasonOf, TrustCommandError } from './errors.ts';

/**
 * `docker trust inspect`. What is shown has been verified, and is as fresh as the server: Docker shows cached data when the
 * server is away. Beside Docker's one line for every failure stands the cause.
 */
export const inspect: TrustCommandAction = async (context, texts, { flags }) => {
  if (flags.has('pretty')) return inspectPretty(context, texts);
  const found: Inspected[] = [];
  const failures: string[] = [];
  for (const text of texts) {
    try {
      found.push(await inspected(context, text));
    } catch (error) {
      if (!(error instanceof TrustCommandError)) throw error;
      failures.push(error.message);
    }
  }
  context.io.stdout.write(inspectionJson(found));
  if (failures.length > 0) throw new TrustCommandError(failures.join('\n'));
};

async function inspectPretty(context: TrustContext, texts: readonly string[]): Promise<void> {
  for (const [index, text] of texts.entries()) {
    context.io.stdout.write(`${index === 0 ? '' : '\n\n'}${inspectionText(await inspected(context, text))}`);
  }
}

async function inspected(context: TrustContext, text: string): Promise<Inspected> {
  let gun = text;
  try {
    const { reference, session } = context.open(text);
    gun = session.gun;
    const { targets } = await session.refresh();
    return inspectedBy(text, reference, trustReport(session.gun, targets));
  } catch (error) {
    const isNothing = error instanceof VerificationError && error.code === 'unsigned';
    if (!isNothing && !(error instanceof InvalidReferenceError))
      context.io.stderr.write(`${reasonOf(error, gun).message}\n`);
    throw new TrustCommandError(`no signatures or cannot access ${text}`, { cause: error });
  }
}
