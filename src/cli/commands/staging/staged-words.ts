// SPDX-License-Identifier: Apache-2.0
import { encodeHex, quoteText } from '../../../encoding/index.ts';
import type { KeysChange, RoleChange, StagedReview, TagChange } from '../../../publisher/index.ts';
import type { Gun, KeyId, TargetFile } from '../../../tuf/index.ts';

/** What a staged update changes and who signed it, in plain words: everything that a signature on it would cover. */
export function reviewText(gun: Gun, reviews: readonly StagedReview[]): string {
  const roles = reviews.map((review) => [...changeLines(review.change), ...signerLines(review)].join('\n'));
  return [`Repository ${gun}`, ...roles].join('\n').concat('\n');
}

function changeLines(change: RoleChange): readonly string[] {
  const { role, version, expires, tags, keys, order } = change;
  const lines = [...tags.map(tagLine), ...keys.flatMap(keysLines)];
  if (order !== undefined) lines.push(`  ~ delegations are searched in the order ${order.join(', ')}`);
  if (lines.length === 0) lines.push('  = same content, signed anew');
  const from = version.before === 0 ? 'new, ' : `version ${version.before} -> `;
  return [`${role}: ${from}${version.after}, expires ${expires.toISOString()}`, ...lines];
}

function tagLine({ tag, before, after }: TagChange): string {
  const name = printable(tag);
  if (after === undefined) return `  - tag ${name}, was ${before === undefined ? 'unknown' : contentText(before)}`;
  if (before === undefined) return `  + tag ${name} ${contentText(after)}`;
  return `  ~ tag ${name} ${contentText(before)} -> ${contentText(after)}`;
}

function contentText({ hashes, length, custom }: TargetFile): string {
  const digests = [...hashes].map(([algorithm, bytes]) => `${printable(algorithm)}:${encodeHex(bytes)}`);
  return `${digests.join(' ') || 'without digest'} (${length} bytes${custom === undefined ? '' : ', with custom data'})`;
}

function keysLines(change: KeysChange): readonly string[] {
  const { role, isNew, isRemoved, threshold, keys } = change;
  if (isRemoved) return [`  - ${role} is removed`, ...change.removedKeys.map((id) => `      - key ${id}`)];
  const before = isNew || threshold.before === threshold.after ? '' : `, was ${threshold.before}`;
  return [
    `  ${isNew ? '+' : '~'} ${role} needs ${threshold.after} of ${keys} keys${before}`,
    ...change.addedKeys.map((id) => `      + key ${id}`),
    ...change.removedKeys.map((id) => `      - key ${id}`),
    ...change.renewedKeys.map((id) => `      ~ key ${id} under a new certificate`),
    ...change.addedPaths.map((path) => `      + path ${pathText(path)}`),
    ...change.removedPaths.map((path) => `      - path ${pathText(path)}`),
  ];
}

/** The empty prefix is every path. */
export function pathText(path: string): string {
  return path === '' ? '"" <all paths>' : printable(path);
}

function signerLines({ signed, missing }: StagedReview): readonly string[] {
  const signatures = signed.map((id) => `  signed by ${id}`);
  return [...signatures, ...missing.map(({ needed, keyIds }) => `  missing ${needed} of ${keyIds.join(', ')}`)];
}

/** Names may come from anybody: what is not plainly a name is quoted, with nothing that a terminal would obey. */
function printable(text: string): string {
  return /^[\w./-]{1,128}$/.test(text) ? text : quoteText(text, text.length);
}

/** The same for programs. */
export function reviewJson(gun: Gun, reviews: readonly StagedReview[]) {
  const missing: readonly KeyId[] = reviews.flatMap((review) => review.missing.flatMap(({ keyIds }) => keyIds));
  return {
    gun,
    complete: missing.length === 0 && reviews.every((review) => review.missing.length === 0),
    roles: reviews.map((review) => ({
      ...review.change,
      expires: review.change.expires.toISOString(),
      tags: review.change.tags.map(tagJson),
      signed: review.signed,
      missing: review.missing,
    })),
  };
}

function tagJson({ tag, before, after }: TagChange) {
  return {
    tag,
    ...(before === undefined ? {} : { before: contentJson(before) }),
    ...(after === undefined ? {} : { after: contentJson(after) }),
  };
}

function contentJson({ hashes, length }: TargetFile) {
  return { hashes: Object.fromEntries([...hashes].map(([name, bytes]) => [name, encodeHex(bytes)])), size: length };
}

/** Who has still to sign, and what to do with the file next. */
export function nextStep(path: string, reviews: readonly StagedReview[]): string {
  const missing = reviews.flatMap((review) => review.missing.map((gap) => ({ role: review.change.role, ...gap })));
  if (missing.length === 0) return `every signature is there: hallmark publish ${path}\n`;
  const gaps = missing.map(({ role, needed, keyIds }) => `${role} needs ${needed} more of ${keyIds.join(', ')}`);
  return `${gaps.join('\n')}\nhand ${path} to their holders: hallmark cosign ${path}\n`;
}
