// SPDX-License-Identifier: Apache-2.0

/** Runs a call of the name given, and may see how long it takes and how it ends. */
export type Around = <T>(call: string, work: () => Promise<T>) => Promise<T>;

type Call = (...args: unknown[]) => Promise<unknown>;

/**
 * `target` with every call of one of `names` run by `around`; all else is as it was. A new method of an interface is not
 * forgotten in some wrapper, it is merely not observed.
 */
export function observedCalls<T extends object>(target: T, names: readonly (keyof T & string)[], around: Around): T {
  const observed = names.flatMap((name) => {
    const call = target[name];
    if (typeof call !== 'function') return [];
    const run: Call = (...args) => around(name, () => (call as unknown as Call).apply(target, args));
    return [[name, run] as const];
  });
  return withCalls(target, Object.fromEntries(observed) as Partial<T>);
}

/** `target` with these calls in the place of its own. */
export function withCalls<T extends object>(target: T, calls: Partial<T>): T {
  const own = new Map<PropertyKey, unknown>(Object.entries(calls));
  return new Proxy(target, {
    get(object, name) {
      if (own.has(name)) return own.get(name);
      const value: unknown = Reflect.get(object, name, object);
      // private fields are those of the object itself, not of what stands for it
      return typeof value === 'function' ? value.bind(object) : value;
    },
  });
}
