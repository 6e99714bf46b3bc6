// SPDX-License-Identifier: Apache-2.0
import type { KeyId } from '../tuf/index.ts';
import { NO_PINS, type Pins } from './pin-file.ts';
import { listedPin } from './pinning.ts';

/**
 * Pins with others laid over them, name by name.
 * @returns the pins, and each change by which more would be trusted than now, in words
 */
export function mergePins(
  current: Pins,
  added: Pins,
): { readonly pins: Pins; readonly weaker: readonly string[]; readonly names: readonly string[] } {
  const tofu = added.tofu ?? current.tofu;
  const pins = {
    ...(tofu === undefined ? {} : { tofu }),
    certs: new Map([...current.certs, ...added.certs]),
    keys: new Map([...current.keys, ...added.keys]),
    ca: new Map([...current.ca, ...added.ca]),
  };
  const names = [...new Set([...added.certs.keys(), ...added.keys.keys(), ...added.ca.keys()])].sort();
  const weaker = names.flatMap((name) => weakening(current, pins, name));
  weaker.push(...overriddenAuthorities(current, pins));
  if (current.tofu === false && added.tofu === true) weaker.unshift('trust on first use would be allowed again');
  return { pins, weaker, names };
}

/** Whether what covers `name` now would admit keys, certificates or authorities that it does not admit today. */
function weakening(current: Pins, next: Pins, name: string): string[] {
  const [before, after] = [listedPin(current, name), listedPin(next, name)];
  if (before !== undefined && after !== undefined) {
    const more = newIn(before.certs, after.certs).concat(newIn(before.keys, after.keys));
    return more.length === 0 ? [] : [`${name} would also trust ${more.join(', ')}`];
  }
  // a CA is asked only where no list covers the name
  if (before !== undefined) return [];
  const [oldCa, newCa] = [coveringAuthority(current, name), coveringAuthority(next, name)];
  if (oldCa === undefined || after === undefined) {
    return oldCa === undefined || oldCa === newCa ? [] : [`${name} would trust another authority`];
  }
  return [`${name} would trust ${[...after.certs, ...after.keys].join(', ')} without the authority pinned for it`];
}

function newIn(before: readonly KeyId[], after: readonly KeyId[]): readonly KeyId[] {
  return after.filter((id) => !before.includes(id));
}

function coveringAuthority({ ca }: Pins, name: string): string | undefined {
  const names = [...ca.keys()].filter((prefix) => name.startsWith(prefix.replace(/\*+$/, '')));
  const longest = names.sort((a, b) => b.length - a.length)[0];
  return longest === undefined ? undefined : ca.get(longest);
}

/** A list is asked before any authority, so that one for a longer prefix can be put out of force by a broad list. */
function overriddenAuthorities(current: Pins, next: Pins): string[] {
  return [...current.ca.keys()].flatMap((name) => {
    const prefix = name.replace(/\*+$/, '');
    const list = listedPin(next, prefix);
    if (list === undefined || listedPin(current, prefix) !== undefined) return [];
    return [`${list.name} would put the authority pinned for ${name} out of force`];
  });
}

/** Pins of keys alone, as one machine hands them to another. */
export function keyPins(keys: ReadonlyMap<string, readonly KeyId[]>): Pins {
  return { ...NO_PINS, keys };
}
