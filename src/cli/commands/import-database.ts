// SPDX-License-Identifier: Apache-2.0
import type { CommandContext } from '../context.ts';
export async function importDatabase(_: CommandContext, __: unknown): Promise<void> {}
