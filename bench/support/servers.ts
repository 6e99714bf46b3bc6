// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HttpFetch } from '../../src/client/index.ts';
import { ensureOwnTls } from '../../src/service/index.ts';
import { hallmark, program } from './programs.ts';
import { freePort, type Workspace } from './workspace.ts';

export interface RunningServer {
  readonly url: string;
  readonly caFile: string;
  readonly pid: number;
  /** `fetch` that knows the server's authority, over connections that are kept open. */
  readonly fetch: HttpFetch;
}

/** Both servers, to be measured in turns. */
export interface ServerPair {
  readonly hallmark: RunningServer;
  readonly original: RunningServer;
}

/** `hallmark up` as a user starts it: sqlite that syncs each commit, ECDSA keys encrypted at rest, its own authority. */
export async function startHallmark(workspace: Workspace): Promise<RunningServer> {
  const directory = workspace.makeDirectory('hallmark');
  const data = workspace.makeDirectory('hallmark-data');
  const port = freePort();
  const pid = await workspace.start([hallmark, 'up', '--data', data, '--listen', `127.0.0.1:${port}`], port, directory);
  return running(port, join(data, 'ca.crt'), pid);
}

/**
 * notary-server at its fastest: everything in memory, and the `local` trust service, which signs in the same process with
 * Ed25519 keys that are never stored. It logs errors only, since `hallmark up` does not log reads either.
 */
export async function startNotaryServer(workspace: Workspace): Promise<RunningServer> {
  const directory = workspace.makeDirectory('notary-server');
  const { caFile, certFile, keyFile } = await ensureOwnTls(directory, [], new Date());
  const port = freePort();
  const config = join(directory, 'server.json');
  const settings = {
    server: { http_addr: `127.0.0.1:${port}`, tls_cert_file: certFile, tls_key_file: keyFile },
    trust_service: { type: 'local' },
    storage: { backend: 'memory' },
    logging: { level: 'error' },
  };
  writeFileSync(config, JSON.stringify(settings));
  return running(port, caFile, await workspace.start([program('notary-server'), '-config', config], port, directory));
}

export function running(port: number, caFile: string, pid: number): RunningServer {
  const tls = { ca: readFileSync(caFile, 'utf8') };
  const send: HttpFetch = (url, init) => fetch(url, { ...init, tls });
  return { url: `https://localhost:${port}`, caFile, pid, fetch: send };
}

/** The resident set of a process. */
export function residentMebibytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kibibytes === undefined) throw new Error(`no memory size of process ${pid}`);
  return Number(kibibytes) / 1024;
}

/** Of Linux, for all processors that this project knows. */
const TICKS_PER_SECOND = 100;

/** The processor time that a process has had, its own and the kernel's for it. */
export function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
