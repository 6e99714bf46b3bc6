// SPDX-License-Identifier: Apache-2.0
import { DownloadError, type HttpFetch } from '../../client/index.ts';
import { authenticatedFetch, type Credentials, RegistryError, repositoryScope } from '../../registry/index.ts';
import type { Gun } from '../../tuf/index.ts';
import type { Io } from '../io.ts';
import { isTerminal, readSecret } from '../prompts.ts';
import { tlsTransport } from '../tls-files.ts';
import { NotaryError } from './errors.ts';
import type { NotaryLog } from './log.ts';
import type { Settings } from './settings.ts';
import { readLine } from './terminal.ts';

/** What a command does at the server: `*` is deleting, and changing the server's keys. */
export type Permission = 'read' | 'write' | 'admin';

const ACTIONS = { read: ['pull'], write: ['push', 'pull'], admin: ['*'] } as const;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Speaks with the trust server and logs in where it asks for that. @throws NotaryError the address is no address */
export function notaryFetch(io: Io, settings: Settings, gun: Gun, permission: Permission, log: NotaryLog): HttpFetch {
  const url = URL.parse(settings.server);
  if (url === null)
    throw new NotaryError(
      `Could not parse remote trust server url (${settings.server}): parse ${JSON.stringify(settings.server)}: not a url`,
    );
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return async () => {
      throw new DownloadError(
        'unreachable',
        settings.server,
        `unsupported protocol scheme "${url.protocol.slice(0, -1)}"`,
      );
    };
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname))
    throw new NotaryError(`plain http is for this machine alone: give the trust server ${settings.server} with https`);
  const send = authenticatedFetch({
    origin: url.origin,
    scopes: [repositoryScope(gun, ACTIONS[permission])],
    credentials: () => credentials(io, permission, log),
    transport: tlsTransport(settings.tls),
  });
  return async (target, init) => {
    try {
      return await send(new Request(target, init));
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code === 'timeout') throw error;
      throw new DownloadError('unauthorized', target, error.message, { cause: error });
    }
  };
}

/** NOTARY_AUTH, else asked on the terminal when something is to be written; readers are anonymous. */
async function credentials(io: Io, permission: Permission, log: NotaryLog): Promise<Credentials | undefined> {
  const given = io.env.NOTARY_AUTH;
  if (given !== undefined && given !== '') return fromVariable(given, log);
  if (permission === 'read' || !isTerminal(io)) return undefined;
  io.stdout.write('Enter username: ');
  const username = (await readLine(io.stdin)).trim();
  if (username === '') return undefined;
  return { kind: 'basic', username, password: await readSecret({ ...io, stderr: io.stdout }, 'Enter password: ') };
}

function fromVariable(text: string, log: NotaryLog): Credentials | undefined {
  const [, username, password] = /^([^:]*):([\s\S]*)$/.exec(Buffer.from(text, 'base64').toString('utf8')) ?? [];
  if (username !== undefined && password !== undefined) return { kind: 'basic', username, password };
  log.error('NOTARY_AUTH is not base64 of USER:PASSWORD, and not used');
  return undefined;
}
