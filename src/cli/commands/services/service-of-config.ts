// SPDX-License-Identifier: Apache-2.0
import { isRecord, readConfigDocument } from '../../../service/config/index.ts';

/**
 * Which service a configuration file is for, by its sections alone, so that a mistake in one of them is told as what it
 * is: a signing service's has `signer` and no `server`, or Notary's `server.grpc_addr`; a gateway's has `upstreams`.
 * @throws ConfigError
 */
export async function serviceOf(file: string): Promise<'server' | 'signer' | 'gateway'> {
  const { root } = await readConfigDocument(file, { ignoreCase: true });
  if (!isRecord(root)) return 'server';
  const { server } = root;
  if (server === undefined && !('signer' in root)) return 'upstreams' in root ? 'gateway' : 'server';
  if (server === undefined) return 'signer';
  return isRecord(server) && 'grpc_addr' in server ? 'signer' : 'server';
}
