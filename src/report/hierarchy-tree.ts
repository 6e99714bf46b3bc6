// SPDX-License-Identifier: Apache-2.0
import { fileWords, keyWords, pathWords, tagWords, thresholdWords } from './hierarchy-words.ts';
import type { HierarchyRole, KeyHierarchy } from './key-hierarchy.ts';

/** The hierarchy as a tree of text, for a terminal. */
export function hierarchyTree({ gun, root }: KeyHierarchy, now: Date): string {
  return `${[gun, ...branch(root, now, '', true)].join('\n')}\n`;
}

function branch(role: HierarchyRole, now: Date, indent: string, last: boolean): readonly string[] {
  const inner = `${indent}${last ? '   ' : '│  '}`;
  const stem = role.children.length > 0 ? '│  ' : '   ';
  const facts = [
    thresholdWords(role),
    ...role.keys.map((key) => `  key ${keyWords(key, now)}`),
    ...pathWords(role),
    ...tagWords(role),
  ];
  return [
    `${indent}${last ? '└─ ' : '├─ '}${role.role}: ${fileWords(role, now)}`,
    ...facts.map((fact) => `${inner}${stem}${fact}`),
    ...role.children.flatMap((child, index) => branch(child, now, inner, index === role.children.length - 1)),
  ];
}
