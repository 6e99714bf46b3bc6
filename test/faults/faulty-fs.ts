// SPDX-License-Identifier: Apache-2.0
/**
 * Puts itself in the place of `node:fs` and `node:fs/promises`, counts every call that changes the disk, and lets one of
 * them fail. Imported before anything else, in a process of its own: other tests must not see it.
 */
import { mock } from 'bun:test';
import * as realSync from 'node:fs';
import * as realPromises from 'node:fs/promises';

/**
 * How the call fails: it throws and nothing was done; it was done, and throws; half of what it was to write is written, as on a disk
 * that is full; or the process ends before it or after it, as in a power cut.
 */
export type FaultMode = 'before' | 'after' | 'half' | 'kill before' | 'kill after';

export interface Fault {
  /** Which call, from 1. */
  readonly call: number;
  readonly mode: FaultMode;
}

let fault: Fault | undefined;
let calls = 0;
/** The name of the call that failed. */
let struck: string | undefined;

/** From now on calls are counted, and one of them may fail. */
export function arm(next?: Fault): void {
  fault = next;
  calls = 0;
  struck = undefined;
}

/** How many calls there were since, and which of them failed. */
export function disarm(): { readonly calls: number; readonly struck: string | undefined } {
  fault = undefined;
  return { calls, struck };
}

const SYNC = [
  'openSync',
  'writeSync',
  'fsyncSync',
  'renameSync',
  'unlinkSync',
  'mkdirSync',
  'rmSync',
  'utimesSync',
  'writeFileSync',
  'chmodSync',
  'linkSync',
] as const;
const ASYNC = ['rename', 'unlink', 'mkdir', 'rm', 'writeFile', 'chmod', 'link', 'utimes', 'rmdir'] as const;
/** Where in the arguments of a call is what it writes, and where in that it begins. */
const WRITES: Readonly<Record<string, readonly [data: number, start?: number]>> = {
  writeSync: [1, 2],
  writeFileSync: [1],
  writeFile: [1],
  'handle.write': [0, 1],
  'handle.writeFile': [0],
  'handle.appendFile': [0],
};
const HANDLE = ['write', 'writeFile', 'appendFile', 'sync', 'datasync', 'truncate'] as const;

type Call = (...args: never[]) => unknown;

/** The mode in which the call that is about to be made fails, if it does. */
export function modeOf(name: string): FaultMode | undefined {
  // only what writes something can write half of it
  if (fault?.mode === 'half' && !(name in WRITES)) return undefined;
  calls++;
  if (fault?.call !== calls) return undefined;
  struck = name;
  return fault.mode;
}

function sync(name: string, call: Call): Call {
  return (...args) => {
    const mode = modeOf(name);
    failBefore(mode, name);
    const result = call(...(mode === 'half' ? halved(name, args) : args));
    failAfter(mode, name);
    return result;
  };
}

/** The arguments of a call, with half of what it was to write. */
function halved(name: string, args: readonly never[]): never[] {
  const [at, start] = WRITES[name] ?? [0];
  const data: unknown = args[at];
  const from = (start === undefined ? 0 : (args[start] as number | undefined)) ?? 0;
  const bytes = typeof data === 'string' ? Buffer.from(data) : (data as Uint8Array);
  return args.with(at, bytes.subarray(0, from + Math.floor((bytes.length - from) / 2)) as never);
}

function async(name: string, call: Call): Call {
  return async (...args) => {
    const mode = modeOf(name);
    failBefore(mode, name);
    const result = await call(...(mode === 'half' ? halved(name, args) : args));
    failAfter(mode, name);
    return result;
  };
}

export function failBefore(mode: FaultMode | undefined, name: string, error = injected): void {
  if (mode === 'kill before') end();
  if (mode === 'before') throw error(name);
}

export function failAfter(mode: FaultMode | undefined, name: string, error = injected): void {
  if (mode === 'kill after') end();
  if (mode === 'after' || mode === 'half') throw error(name);
}

function end(): never {
  process.kill(process.pid, 'SIGKILL');
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
}

function injected(name: string): Error {
  const code = fault?.mode === 'half' ? 'ENOSPC' : 'EIO';
  return Object.assign(new Error(`${code}: injected into ${name}`), { code });
}

function replaced(names: readonly string[], real: object, wrap: (name: string, call: Call) => Call): object {
  const functions = real as Record<string, Call>;
  return Object.fromEntries(names.map((name) => [name, wrap(name, functions[name] as Call)]));
}

/** Opening a file; the file's own calls are counted as well. */
function opening(call: Call): Call {
  return async (...args) => {
    const mode = modeOf('open');
    failBefore(mode, 'open');
    const handle = (await call(...args)) as Record<string, Call>;
    // made, and nobody is given it
    if (mode !== undefined) await handle.close?.();
    failAfter(mode, 'open');
    for (const name of HANDLE) {
      const original = handle[name] as Call;
      Object.defineProperty(handle, name, { value: async(`handle.${name}`, original.bind(handle)) });
    }
    return handle;
  };
}

const syncModule = { ...realSync, ...replaced(SYNC, realSync, sync) };
const promisesModule = { ...realPromises, ...replaced(ASYNC, realPromises, async) } as Record<string, unknown>;
promisesModule.open = opening(realPromises.open as Call);
mock.module('node:fs', () => ({ ...syncModule, default: syncModule }));
mock.module('node:fs/promises', () => ({ ...promisesModule, default: promisesModule }));
