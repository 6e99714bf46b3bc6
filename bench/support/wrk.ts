// SPDX-License-Identifier: Apache-2.0
import { program } from './programs.ts';

const THREADS = 2;
const CONNECTIONS = 16;

export interface Load {
  readonly requestsPerSecond: number;
  /** Milliseconds within which 99 of 100 requests were answered. */
  readonly p99: number;
  readonly requests: number;
}

export interface LoadOptions {
  /** Lua that says what to ask for, instead of the URL alone. */
  readonly script?: string;
  /** Of what each answer has to bring: wrk takes a redirect, or a 304 without content, for a success. */
  readonly bodyBytes?: number;
}

const MEBIBYTES = { KB: 1 / 1024, MB: 1, GB: 1024 };

/** Asks for one URL as often as possible. Throws if anything but whole answers came back. */
export async function load(url: string, seconds: number, { script, bodyBytes = 0 }: LoadOptions = {}): Promise<Load> {
  const options = [`-t${THREADS}`, `-c${CONNECTIONS}`, `-d${seconds}s`, '--latency'];
  const argv = [program('wrk'), ...options, ...(script === undefined ? [] : ['-s', script]), url];
  const child = Bun.spawn(argv, { stdout: 'pipe', stderr: 'pipe' });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1];
  const [, p99, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
  const [, requests, amount, size] = /(\d+) requests in [^,]+, ([\d.]+)(KB|MB|GB) read/.exec(stdout) ?? [];
  const read = Number(amount) * MEBIBYTES[(size ?? 'MB') as keyof typeof MEBIBYTES] * 1024 * 1024;
  const isWhole = read >= Number(requests) * bodyBytes;
  if (code !== 0 || rate === undefined || p99 === undefined || !isWhole || /Non-2xx|Socket errors/.test(stdout)) {
    throw new Error(`${argv.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
  }
  return {
    requestsPerSecond: Number(rate),
    p99: Number(p99) * (unit === 's' ? 1000 : unit === 'us' ? 0.001 : 1),
    requests: Number(requests),
  };
}
