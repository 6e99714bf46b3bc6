// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { Readable } from 'node:stream';
import { DownloadError } from '../../client/index.ts';
import { fatalText } from './fatal.ts';
import { NotaryLog } from './log.ts';

const server = 'https://localhost:4443';

/** What is logged of a server that cannot be reached for a reason. */
function loggedFor(code: string): string {
  const said: string[] = [];
  const output = { write: (text: string | Uint8Array) => void said.push(String(text)), isTerminal: false, columns: 80 };
  const now = () => new Date(0);
  const io = { env: {}, stdin: Readable.from([]), stdout: output, stderr: output, now, untilStopped: async () => {} };
  const cause = Object.assign(new Error(code), { code });
  const error = new DownloadError('unreachable', server, `trust server cannot be reached: ${code}`, { cause });
  expect(fatalText(error, { server, gun: 'x', log: new NotaryLog(io, 'error') })).toBe('client is offline');
  return said.join('');
}

test('a server of an authority that is not known is no server that is away: the flag that names it is told', () => {
  expect(loggedFor('UNABLE_TO_VERIFY_LEAF_SIGNATURE')).toContain('--tlscacert FILE');
  expect(loggedFor('ECONNREFUSED')).not.toContain('--tlscacert');
});
