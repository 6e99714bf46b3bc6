// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';
import { KeyStoreError } from '../../../signing/index.ts';

/** Asked before anything is made or anybody is asked: no command writes over a file. @throws KeyStoreError `exists` */
export async function checkFree(path: string): Promise<void> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (isThere) throw new KeyStoreError('exists', `${path} is there already`, { path, remedy: 'give another name' });
}
