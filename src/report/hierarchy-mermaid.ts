// SPDX-License-Identifier: Apache-2.0
import { roleWords, standingOf } from './hierarchy-words.ts';
import type { HierarchyRole, KeyHierarchy } from './key-hierarchy.ts';

const STYLES = [
  'classDef valid stroke:#1a7f37',
  'classDef soon stroke:#9a6700,stroke-width:2px',
  'classDef expired stroke:#cf222e,stroke-width:3px',
  'classDef refused stroke:#cf222e,stroke-width:3px,stroke-dasharray:4',
  'classDef empty stroke:#6e7781,stroke-dasharray:4',
];

/** The hierarchy as a Mermaid flow chart, for documents that draw those. */
export function hierarchyMermaid({ root }: KeyHierarchy, now: Date): string {
  const lines: string[] = [];
  const draw = (role: HierarchyRole): string => {
    const id = `n${lines.length}`;
    lines.push(`${id}["${labelOf(role, now)}"]:::${standingOf(role, now)}`);
    for (const child of role.children) lines.push(`${id} --> ${draw(child)}`);
    return id;
  };
  draw(root);
  return `${['flowchart TD', ...[...lines, ...STYLES].map((line) => `  ${line}`)].join('\n')}\n`;
}

function labelOf(role: HierarchyRole, now: Date): string {
  return roleWords(role, now).map(escaped).join('<br/>');
}

/** Mermaid's own escapes: a tag may hold anything, and must not end the label or become markup. */
function escaped(text: string): string {
  return text.replace(/[^\w .,:;()/*+=@…-]/gu, (character) => `#${character.codePointAt(0)};`);
}
