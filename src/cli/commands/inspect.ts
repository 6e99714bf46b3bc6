// SPDX-License-Identifier: Apache-2.0
import { DownloadError } from '../../client/index.ts';
import { type ImageReference, parseReference } from '../../registry/index.ts';
import { type ReportedTag, type TrustReport, trustReport } from '../../report/index.ts';
import { VerificationError } from '../../tuf/index.ts';
import type { CommandContext } from '../context.ts';
import { failureOf, PartialFailure } from '../errors.ts';
import { ExitCode } from '../exit-codes.ts';
import { table } from '../table.ts';

interface Inspected {
  readonly text: string;
  readonly report: TrustReport;
  readonly tags: readonly ReportedTag[];
}

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
    const session = context.open(reference);
    try {
      const { targets } = await session.refresh();
      found.push(withTags(text, reference, trustReport(session.gun, targets)));
    } catch (error) {
      if (!(error instanceof VerificationError) && !(error instanceof DownloadError)) throw error;
      failure ??= {
        exitCode: failureOf(error, session.gun).exitCode,
        message: `no signatures or cannot access ${text}`,
      };
      io.stderr.write(`${failureOf(error, session.gun).message}\n`);
    }
  }
  if (options.pretty) io.stdout.write(found.map(pretty).join('\n\n'));
  else io.stdout.write(`${JSON.stringify(found.map(dockerJson), null, 4)}\n`);
  if (failure !== undefined) throw new PartialFailure(failure.message, failure.exitCode || ExitCode.failed);
}

function withTags(text: string, { tag, tagDefaulted }: ImageReference, report: TrustReport): Inspected {
  return { text, report, tags: tagDefaulted ? report.tags : report.tags.filter((signed) => signed.tag === tag) };
}

const REPO_ADMIN = 'Repo Admin';

function dockerJson({ text, report, tags }: Inspected) {
  const keys = (ids: readonly string[]) => ids.map((ID) => ({ ID }));
  return {
    Name: text,
    SignedTags: tags.map(({ tag, sha256, signers }) => ({
      SignedTag: tag,
      Digest: sha256,
      Signers: signers.length > 0 ? signers : [REPO_ADMIN],
    })),
    Signers: report.signers.map(({ name, keyIds }) => ({ Name: name, Keys: keys(keyIds) })),
    AdministrativeKeys: [
      { Name: 'Root', Keys: keys(report.administrators.root) },
      { Name: 'Repository', Keys: keys(report.administrators.repository) },
    ],
  };
}

function pretty({ text, report, tags }: Inspected): string {
  return `${signatures(text, tags)}${signers(text, report)}${administrators(text, report)}`;
}

function signatures(text: string, tags: readonly ReportedTag[]): string {
  if (tags.length === 0) return `\nNo signatures for ${text}\n\n`;
  const rows = tags.map(({ tag, sha256, signers }) => [
    tag,
    sha256,
    signers.length > 0 ? signers.join(', ') : `(${REPO_ADMIN})`,
  ]);
  return `\nSignatures for ${text}\n\n${table([['SIGNED TAG', 'DIGEST', 'SIGNERS'], ...rows])}`;
}

const SHORT_KEY = 12;

function signers(text: string, report: TrustReport): string {
  if (report.signers.length === 0) return '';
  const rows = report.signers.map(({ name, keyIds }) => [name, keyIds.map((id) => id.slice(0, SHORT_KEY)).join(', ')]);
  rows.sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1));
  return `\nList of signers and their keys for ${text}\n\n${table([['SIGNER', 'KEYS'], ...rows])}`;
}

function administrators(text: string, { administrators: { root, repository } }: TrustReport): string {
  return `\nAdministrative keys for ${text}\n\n  Repository Key:\t${repository.join(', ')}\n  Root Key:\t${root.join(', ')}\n`;
}
