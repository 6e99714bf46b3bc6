// SPDX-License-Identifier: Apache-2.0
import { htmlEscape } from '../encoding/index.ts';
import type { ImageReference } from '../registry/index.ts';
import type { ReportedTag, TrustReport } from '../report/index.ts';
import { plainJson } from './json-text.ts';
import { table } from './table.ts';

/** What is shown of a repository for one reference that the user gave. */
export interface Inspected {
  readonly text: string;
  readonly report: TrustReport;
  readonly tags: readonly ReportedTag[];
}

/** The report for one reference: of a tag that it names, else of all; a digest narrows nothing, as with Docker. */
export function inspectedBy(text: string, reference: ImageReference, report: TrustReport): Inspected {
  const { tag, tagDefaulted, digest } = reference;
  const isOfOneTag = !tagDefaulted && digest === undefined;
  return { text, report, tags: isOfOneTag ? report.tags.filter((signed) => signed.tag === tag) : report.tags };
}

/** Stands for the repository's own key among signers. */
export const REPO_ADMIN = 'Repo Admin';

/** The JSON of `docker trust inspect` (reference 10.6). */
export function inspectionJson(found: readonly Inspected[]): string {
  return `${plainJson(htmlEscape(JSON.stringify(found.map(asJson), null, 4)))}\n`;
}

function asJson({ text, report, tags }: Inspected) {
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

/** The text of `docker trust inspect --pretty` (reference 10.6). */
export function inspectionText({ text, report, tags }: Inspected): string {
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
  const rows = report.signers.map(({ name, keyIds }) => [name, sorted(keyIds.map((id) => id.slice(0, SHORT_KEY)))]);
  rows.sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1));
  return `\nList of signers and their keys for ${text}\n\n${table([['SIGNER', 'KEYS'], ...rows])}`;
}

function administrators(text: string, { administrators: { root, repository } }: TrustReport): string {
  return `\nAdministrative keys for ${text}\n\n  Repository Key:\t${sorted(repository)}\n  Root Key:\t${sorted(root)}\n`;
}

function sorted(keyIds: readonly string[]): string {
  return [...keyIds].sort().join(', ');
}
