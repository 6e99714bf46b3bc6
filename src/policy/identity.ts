// SPDX-License-Identifier: Apache-2.0
import { type Gun, MetadataError, parseGun } from '../tuf/index.ts';
import { type ImagePattern, innerWildcards, PatternError, wildcardText } from './pattern.ts';
import type { ChosenRule } from './policy.ts';

/**
 * Checks the name under which a mirror's images are judged: a name without a wildcard for all images of the pattern, or one
 * that ends in the pattern's own last wildcard, for which the same text is put in.
 * @throws PatternError
 */
export function checkIdentity(identity: string, pattern: ImagePattern): void {
  const wanted = identity.endsWith('/**') ? '**' : identity.includes('*') ? '*' : undefined;
  const last = pattern.isOpen ? '**' : pattern.parts.at(-1)?.tail === undefined ? undefined : '*';
  if (wanted !== undefined && wanted !== last)
    throw new PatternError(`identity ${identity} ends in a wildcard that ${pattern.text} does not end in`);
  if (wanted !== undefined && innerWildcards(pattern) > 0)
    throw new PatternError(`identity ${identity}: ${pattern.text} has another wildcard, whose text would be lost`);
  if (identity.split('*').length > (wanted === '**' ? 3 : 2))
    throw new PatternError(`identity ${identity} has too many *`);
  if (!identity.includes('/')) throw new PatternError(`identity ${identity} names no repository`);
  try {
    parseGun(substitute(identity, 'x'));
  } catch (cause) {
    if (cause instanceof MetadataError) throw new PatternError(cause.message, { cause });
    throw cause;
  }
}

/** The GUN by which an image is judged. @throws MetadataError if it would be none */
export function judgedGun({ rule, name }: ChosenRule): Gun {
  if (rule.identity === undefined || rule.pattern === undefined) return parseGun(`${name.domain}/${name.path}`);
  return parseGun(substitute(rule.identity, wildcardText(rule.pattern, name) ?? ''));
}

function substitute(identity: string, text: string): string {
  const star = identity.indexOf('*');
  if (star === -1) return identity;
  const end = identity.endsWith('/**') ? star + 2 : star + 1;
  return identity.slice(0, star) + text + identity.slice(end);
}
