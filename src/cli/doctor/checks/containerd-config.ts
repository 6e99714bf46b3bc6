// SPDX-License-Identifier: Apache-2.0
import { dirname, join } from 'node:path';
import type { Machine } from '../machine.ts';
import { listOf, parseToml, type Table, tableOf } from '../settings-files.ts';

const CONFIG = '/etc/containerd/config.toml';
const MAX_FILES = 200;

/** A plugin's settings, and the file that they come from. */
export interface PluginSection {
  readonly file: string;
  readonly table: Table;
}

/** containerd's configuration as it is in force. */
export interface ContainerdConfig {
  /** By the plugin's whole name. */
  readonly plugins: ReadonlyMap<string, PluginSection>;
  /** Files that are no TOML, with which containerd does not start. */
  readonly malformed: readonly string[];
}

/**
 * `config.toml` and what it imports, in containerd's order: a later file replaces a plugin's section as a whole. Undefined if there
 * is no configuration.
 */
export function containerdConfig(machine: Machine): ContainerdConfig | undefined {
  if (machine.text(machine.system(CONFIG)) === undefined) return undefined;
  const plugins = new Map<string, PluginSection>();
  const malformed: string[] = [];
  const seen = new Set<string>();
  for (const pending = [CONFIG]; pending.length > 0 && seen.size < MAX_FILES; ) {
    const file = pending.shift() as string;
    const text = seen.has(file) ? undefined : machine.text(machine.system(file));
    seen.add(file);
    if (text === undefined) continue;
    const config = parseToml(text);
    if (config === undefined) malformed.push(file);
    for (const [name, value] of Object.entries(tableOf(config?.plugins) ?? {})) {
      const table = tableOf(value);
      if (table !== undefined) plugins.set(name, { file, table });
    }
    for (const pattern of listOf(config?.imports).map(String))
      pending.push(...machine.matching(pattern.startsWith('/') ? pattern : join(dirname(file), pattern)));
  }
  return { plugins, malformed };
}
