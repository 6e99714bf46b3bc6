// SPDX-License-Identifier: Apache-2.0

const RUNS = /[0-9]+|[^0-9]/g;

/**
 * The order in which Docker lists tags: byte by byte, but for runs of digits, which count as numbers and come before
 * anything else; of two equal numbers the one with fewer zeros before it is first.
 */
export function naturalOrder(a: string, b: string): number {
  const [left, right] = [a.match(RUNS) ?? [], b.match(RUNS) ?? []];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = runOrder(left[i] as string, right[i] as string);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function runOrder(a: string, b: string): number {
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? -1 : 1;
  if (!isNumber(a)) return plainOrder(a, b);
  const [x, y] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  return x.length - y.length || plainOrder(x, y) || a.length - b.length;
}

function isNumber(run: string): boolean {
  return run >= '0' && run < ':';
}

function plainOrder(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
