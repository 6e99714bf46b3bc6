// SPDX-License-Identifier: Apache-2.0
/**
 * Puts itself in the place of `node:fs` and `node:fs/promises`, counts every call that changes the disk, and lets one of
 * them fail. Imported before anything else, in a process of its own: other tests must not see it.
 */
import { mock } from 'bun:test';
import * as realSync from 'node:fs';
import * as realPromises from 'node:fs/promises';

/**
 * How the call fails: it throws and nothing was done; it was done, and throws; or the process ends before it or after
 * it, as in a power cut.
 */
export type FaultMode = 'before' | 'after' | 'kill before' | 'kill after';

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
const HANDLE = ['write', 'writeFile', 'appendFile', 'sync', 'datasync', 'truncate'] as const;

type Call = (...args: never[]) => unknown;

/** The mode in which the call that is about to be made fails, if it does. */
export function modeOf(name: string): FaultMode | undefined {
  calls++;
  if (fault?.call !== calls) return undefined;
  struck = name;
  return fault.mode;
}

function sync(name: string, call: Call): Call {
  return (...args) => {
    const mode = modeOf(name);
    failBefore(mode, name);
    const result = call(...args);
    failAfter(mode, name);
    return result;
  };
}

function async(name: string, call: Call): Call {
  return async (...args) => {
    const mode = modeOf(name);
    failBefore(mode, name);
    const result = await call(...args);
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
  if (mode === 'after') throw error(name);
}

function end(): never {
  process.kill(process.pid, 'SIGKILL');
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
}

function injected(name: string): Error {
  return Object.assign(new Error(`EIO: injected into ${name}`), { code: 'EIO' });
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
