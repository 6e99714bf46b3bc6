// SPDX-License-Identifier: Apache-2.0
import { DownloadError } from '../../../client/index.ts';
import { parseReference } from '../../../registry/index.ts';
import {
  hierarchyMermaid,
  hierarchySvg,
  hierarchyTree,
  type KeyHierarchy,
  keyHierarchy,
  trustReport,
} from '../../../report/index.ts';
import { VerificationError } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { failureOf } from '../../errors.ts';
import { ExitCode } from '../../exit-codes.ts';
import { type Inspected, inspectedBy, inspectionJson, inspectionText } from '../../inspection.ts';
import { oneLine } from '../../one-line.ts';
import { PartialFailure, UsageError } from '../../usage-error.ts';

export interface InspectOptions {
  readonly pretty?: boolean;
  readonly tree?: boolean;
  readonly graph?: string;
}

/**
 * `hallmark inspect REF…`: who signed what, in the forms of `docker trust inspect` (reference 10.6), or the keys as they
 * hang together.
 */
export async function inspect(
  context: CommandContext,
  texts: readonly string[],
  options: InspectOptions,
): Promise<void> {
  const { io } = context;
  const draw = pictureOf(options, texts.length);
  const found: Inspected[] = [];
  const hierarchies: KeyHierarchy[] = [];
  let failure: { exitCode: ExitCode; message: string } | undefined;
  for (const text of texts) {
    const reference = parseReference(text);
    const session = context.view(reference);
    try {
      const { targets, refused } = await session.refresh();
      if (draw !== undefined) hierarchies.push(keyHierarchy(session.gun, targets, refused));
      found.push(inspectedBy(text, reference, trustReport(session.gun, targets)));
    } catch (error) {
      if (!(error instanceof VerificationError) && !(error instanceof DownloadError)) throw error;
      failure ??= {
        exitCode: failureOf(error, session.gun).exitCode,
        message: `no signatures or cannot access ${text}`,
      };
      io.stderr.write(`${oneLine(failureOf(error, session.gun).message)}\n`);
    }
  }
  if (draw !== undefined) io.stdout.write(hierarchies.map((hierarchy) => draw(hierarchy, io.now())).join('\n'));
  else if (options.pretty) io.stdout.write(found.map(inspectionText).join('\n\n'));
  else io.stdout.write(inspectionJson(found));
  if (failure !== undefined) throw new PartialFailure(failure.message, failure.exitCode || ExitCode.failed);
}

type Draw = (hierarchy: KeyHierarchy, now: Date) => string;

function pictureOf({ pretty, tree, graph }: InspectOptions, count: number): Draw | undefined {
  if ([pretty, tree, graph !== undefined].filter(Boolean).length > 1)
    throw new UsageError('--pretty, --tree and --graph are three forms of one answer: choose one');
  if (tree) return hierarchyTree;
  if (graph === undefined) return undefined;
  if (count > 1) throw new UsageError('--graph draws one repository at a time');
  if (graph === 'svg') return hierarchySvg;
  if (graph === 'mermaid') return hierarchyMermaid;
  throw new UsageError(`--graph ${graph}: there are svg and mermaid`);
}
