// SPDX-License-Identifier: Apache-2.0

import { commandTree } from '../command-tree.ts';
import type { Io } from '../io.ts';
import { type CommandModel, commandModel } from './command-model.ts';

/** The whole program as data; nothing of it is run. */
export async function programModel(): Promise<CommandModel> {
  const refuse = () => {
    throw new Error('a model runs nothing');
  };
  const io: Pick<Io, 'stdout' | 'stderr'> = {
    stdout: { write: refuse, isTerminal: false, columns: 80 },
    stderr: { write: refuse, isTerminal: false, columns: 80 },
  };
  return commandModel(await commandTree(io as Io, refuse, refuse));
}
