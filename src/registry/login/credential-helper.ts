// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { CredentialsError } from '../errors.ts';
import { oneLine } from '../problems.ts';
import type { Environment } from './docker-config.ts';

/** Asks a credential helper for a server's login; `undefined` where it has none. */
export type HelperRunner = (helper: string, server: string, env: Environment) => Promise<Uint8Array | undefined>;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const NOT_FOUND = 'credentials not found in native keychain';
const MAX_ANSWER = 1024 * 1024;
const TIME_LIMIT = 60_000;

/**
 * Runs `docker-credential-<helper> get` with the server's name on standard input (docker-credential-helpers' protocol). The
 * program is looked for in PATH alone: a name with a slash would be a program of the configuration's choice (S35).
 * Nothing that the helper prints goes into an error, except its refusal, which it prints in place of a secret.
 * @throws CredentialsError `helper-failed`
 */
export const runCredentialHelper: HelperRunner = async (helper, server, env) => {
  if (!NAME.test(helper)) throw failed(oneLine(helper), 'has no valid name');
  const { code, output } = await run(`docker-credential-${helper}`, server, env, helper);
  if (code === 0) return output;
  const text = Buffer.from(output).toString('utf8').trim();
  if (text === NOT_FOUND) return undefined;
  throw failed(helper, text === '' ? `ended with status ${code}` : oneLine(text));
};

function run(
  program: string,
  server: string,
  env: Environment,
  helper: string,
): Promise<{ readonly code: number | null; readonly output: Uint8Array }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['get'], { env: { ...env }, stdio: ['pipe', 'pipe', 'ignore'], timeout: TIME_LIMIT });
    const chunks: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_ANSWER) child.kill();
      else chunks.push(chunk);
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      reject(
        failed(helper, error.code === 'ENOENT' ? `${program} is not installed` : `${program} cannot be started`, error),
      );
    });
    child.on('close', (code) => {
      if (size > MAX_ANSWER) reject(failed(helper, 'answers too much'));
      else resolve({ code, output: new Uint8Array(Buffer.concat(chunks)) });
    });
    // a helper that ends without reading is judged by how it ended
    child.stdin.on('error', () => undefined);
    child.stdin.end(server);
  });
}

function failed(helper: string, why: string, cause?: unknown): CredentialsError {
  return new CredentialsError('helper-failed', `credential helper ${helper}: ${why}`, cause);
}
