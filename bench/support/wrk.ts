// SPDX-License-Identifier: Apache-2.0
import { program } from './programs.ts';

const THREADS = 2;
const CONNECTIONS = 16;

export interface Load {
  readonly requestsPerSecond: number;
  /** Milliseconds within which 99 of 100 requests were answered. */
  readonly p99: number;
}

/** Asks for one URL, or for what a Lua `script` says, as often as possible. Throws if anything but 200 came back. */
export async function load(url: string, seconds: number, script?: string): Promise<Load> {
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
  if (code !== 0 || rate === undefined || p99 === undefined || /Non-2xx|Socket errors/.test(stdout)) {
    throw new Error(`${argv.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
  }
  return { requestsPerSecond: Number(rate), p99: Number(p99) * (unit === 's' ? 1000 : unit === 'us' ? 0.001 : 1) };
}
