// SPDX-License-Identifier: Apache-2.0
import type { JsonValue } from '../../src/encoding/index.ts';
import type { Random } from './random.ts';

/** JSON as the strict parser gives it, that may be changed. */
export type Tree = JsonValue;
export type TreeObject = Map<string, Tree>;

/** A place in a tree: the object or array that holds it, and its name or index there. */
export interface Place {
  readonly holder: TreeObject | Tree[];
  readonly key: string | number;
}

/** A copy that may be changed at any depth. */
export function copyTree(value: Tree): Tree {
  if (value instanceof Map) return new Map([...value].map(([key, member]) => [key, copyTree(member)]));
  return Array.isArray(value) ? value.map(copyTree) : value;
}

/** Every place below the root of a tree. */
export function placesIn(value: Tree): readonly Place[] {
  if (value instanceof Map)
    return [...value].flatMap(([key, member]) => [{ holder: value as TreeObject, key }, ...placesIn(member)]);
  if (!Array.isArray(value)) return [];
  return value.flatMap((member, key) => [{ holder: value as Tree[], key }, ...placesIn(member)]);
}

export function valueAt({ holder, key }: Place): Tree {
  return (holder instanceof Map ? holder.get(key as string) : holder[key as number]) as Tree;
}

export function setAt({ holder, key }: Place, value: Tree): void {
  if (holder instanceof Map) holder.set(key as string, value);
  else holder[key as number] = value;
}

function removeAt({ holder, key }: Place): void {
  if (holder instanceof Map) holder.delete(key as string);
  else holder.splice(key as number, 1);
}

/** Values at which implementations differ, or break. */
export const ODD_VALUES: readonly Tree[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  2 ** 31,
  Number.MAX_SAFE_INTEGER,
  '',
  ' ',
  'x',
  '__proto__',
  '\u0000',
  '\u2028<&>',
  'ﬀ😀',
  '../../etc/passwd',
  [],
  [[]],
  [''],
  new Map(),
  new Map<string, Tree>([['__proto__', new Map<string, Tree>([['polluted', true]])]]),
];

/** One change of a tree at a place drawn by lot; says which. The tree must hold something. */
export function mutateTree(tree: Tree, random: Random): string {
  const place = random.pick(placesIn(tree));
  const kind = random.pick(['replace', 'remove', 'rename', 'add', 'double', 'swap'] as const);
  const name = String(place.key);
  switch (kind) {
    case 'replace':
      setAt(place, copyTree(random.pick(ODD_VALUES)));
      break;
    case 'remove':
      removeAt(place);
      break;
    case 'rename': {
      const value = valueAt(place);
      removeAt(place);
      if (place.holder instanceof Map) place.holder.set(renamed(name, random), value);
      break;
    }
    case 'add':
      if (place.holder instanceof Map) place.holder.set(random.pick(['x', '__proto__', 'constructor', '']), 1);
      else place.holder.push(copyTree(random.pick(ODD_VALUES)));
      break;
    case 'double':
      if (place.holder instanceof Map) place.holder.set(renamed(name, random), copyTree(valueAt(place)));
      else place.holder.push(copyTree(valueAt(place)));
      break;
    case 'swap':
      swap(place, random.pick(placesIn(tree)));
      break;
    default:
      kind satisfies never;
  }
  return `${kind} ${name}`;
}

function renamed(name: string, random: Random): string {
  return random.pick([name.toUpperCase(), `${name} `, `${name}x`, name.slice(1), 'constructor']);
}

/** The values of two places trade places; one inside of the other is left alone, since a tree has no cycle. */
function swap(a: Place, b: Place): void {
  const [x, y] = [valueAt(a), valueAt(b)];
  if (x instanceof Map || Array.isArray(x) || y instanceof Map || Array.isArray(y)) {
    setAt(a, copyTree(y));
    return;
  }
  setAt(a, y);
  setAt(b, x);
}
