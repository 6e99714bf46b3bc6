// SPDX-License-Identifier: Apache-2.0
import type { Io } from '../io.ts';
import { commandTree } from '../run.ts';
import { type CommandModel, commandModel } from './command-model.ts';

/** The whole program as data; nothing of it is run. */
export function programModel(): CommandModel {
  const refuse = () => {
    throw new Error('a model runs nothing');
  };
  const io: Pick<Io, 'stdout' | 'stderr'> = {
    stdout: { write: refuse, isTerminal: false, columns: 80 },
    stderr: { write: refuse, isTerminal: false, columns: 80 },
  };
  return commandModel(commandTree(io as Io, refuse));
}
