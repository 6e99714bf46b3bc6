// SPDX-License-Identifier: Apache-2.0
import type { CommandContext } from '../context.ts';
export async function importTrustDirectory(_: CommandContext, __: string): Promise<void> {}
