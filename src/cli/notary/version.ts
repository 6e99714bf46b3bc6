// SPDX-License-Identifier: Apache-2.0
import { VERSION } from '../version.ts';
import type { Call } from './command.ts';

/** The version of the original whose command line this is. */
const NOTARY_VERSION = '0.7.0';

export async function version({ say }: Call): Promise<void> {
  say(`notary\n Version:    ${NOTARY_VERSION}\n Git commit: hallmark-${VERSION}\n Go version: none\n`);
}

/** What `--version` prints. */
export async function versionLine({ say }: Call): Promise<void> {
  say(`notary Version: ${NOTARY_VERSION}, Git commit: hallmark-${VERSION}, Go version: none\n`);
}
