// SPDX-License-Identifier: Apache-2.0
import { isRecord, readConfigDocument } from '../service/config/index.ts';

/**
 * Which service a configuration file is for: a signing service's says where it listens, under `signer` or as Notary's
 * `server.grpc_addr`.
 * @throws ConfigError
 */
export async function serviceOf(file: string): Promise<'server' | 'signer'> {
  const { root } = await readConfigDocument(file, { ignoreCase: true });
  const section = (name: string) => (isRecord(root) && isRecord(root[name]) ? root[name] : {});
  return 'grpc_addr' in section('server') || 'listen' in section('signer') ? 'signer' : 'server';
}
