// SPDX-License-Identifier: Apache-2.0
import { createPublicKey } from 'node:crypto';
import { canonicalKeyId, type PublicKey } from '../../tuf/index.ts';
import type { RuleDocument } from '../schema.ts';

/** A policy made of another program's configuration. */
export interface Conversion {
  readonly document: {
    readonly version: 1;
    readonly recheck?: string;
    readonly default?: Omit<RuleDocument, 'images'>;
    readonly rules: readonly RuleDocument[];
  };
  /** What could not be carried over, or means something else here: for a person to read. */
  readonly notes: readonly string[];
}

/** A configuration that is not what it is said to be. */
export class ConversionError extends Error {
  override readonly name = 'ConversionError';
}

const KEY_TYPES: ReadonlyMap<string, string> = new Map([
  ['ec', 'ecdsa'],
  ['rsa', 'rsa'],
  ['ed25519', 'ed25519'],
]);

/** Canonical ID of a public key in PEM, as pins name it. @throws ConversionError */
export function pinOfPem(pem: string, what: string): string {
  try {
    const object = createPublicKey(pem);
    const bytes = new Uint8Array(object.export({ format: 'der', type: 'spki' }));
    const type = KEY_TYPES.get(object.asymmetricKeyType ?? '');
    if (type === undefined) throw new ConversionError(`${what}: a key of a type that signs no root`);
    const key: PublicKey = { type, bytes: type === 'ed25519' ? bytes.subarray(-32) : bytes };
    return canonicalKeyId(key);
  } catch (cause) {
    if (cause instanceof ConversionError) throw cause;
    throw new ConversionError(`${what}: not a public key in PEM`, { cause });
  }
}

/** Name of the pins for patterns of one name: everything before its first star, and a star if there was one. */
export function pinName(patterns: string | readonly string[]): string {
  const pattern = typeof patterns === 'string' ? patterns : (patterns[0] ?? '');
  const colon = pattern.indexOf(':', pattern.lastIndexOf('/') + 1);
  const name = colon === -1 ? pattern : pattern.slice(0, colon);
  const star = name.indexOf('*');
  return star === -1 ? name : `${name.slice(0, star)}*`;
}

/** A star of either program covers any run of characters, slashes too; here one part of a name. */
export function patternsOf(name: string, tag: string, notes: string[]): string | string[] {
  if (name.slice(0, -1).includes('*')) notes.push(`${name}: a * before the end covers one part of a name alone`);
  const pattern = patternOf(name);
  const isPartial = pattern.endsWith('*') && !pattern.endsWith('/**') && pattern !== '**';
  const tagged = (text: string) => (tag === '*' ? text : `${text}:${tag}`);
  return isPartial ? [tagged(pattern), tagged(`${pattern}/**`)] : tagged(pattern);
}

/** Short names are of Docker Hub; `*` alone is every image, and a last part `*` covers what is deeper as well. */
function patternOf(name: string): string {
  if (name === '*' || name === '') return '**';
  const whole = name.endsWith('/*') ? `${name}*` : name;
  const [first = ''] = whole.split('/');
  const isRegistry = whole.includes('/') && (/[.:*]/.test(first) || first === 'localhost');
  if (isRegistry) return whole;
  return whole.includes('/') ? `docker.io/${whole}` : `docker.io/library/${whole}`;
}
