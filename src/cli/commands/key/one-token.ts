// SPDX-License-Identifier: Apache-2.0
import type { TokenUri } from '../../../signing/pkcs11/index.ts';
import type { Io } from '../../io.ts';
import type { GlobalOptions } from '../../settings.ts';
import { UsageError } from '../../usage-error.ts';
import { tokenUris } from '../../user-keys.ts';

/** The token into which a key is to be put. @throws UsageError unless it is one */
export function oneToken(io: Io, globals: GlobalOptions): TokenUri {
  const [uri, ...others] = tokenUris(io, globals);
  if (uri === undefined || others.length > 0) throw new UsageError('a key is put into one token: give --token once');
  return uri;
}
