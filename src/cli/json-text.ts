// SPDX-License-Identifier: Apache-2.0
import { UNPRINTABLE } from './one-line.ts';

/** An answer for programs, as `--json` prints it. Who looks at it in a terminal is shown what it says, and nothing else happens. */
export function jsonText(value: unknown, indent = 2): string {
  return `${plainJson(JSON.stringify(value, null, indent))}\n`;
}

/** What a terminal would obey is spelled out, for which JSON has its own way: the text says what it said. */
export function plainJson(json: string): string {
  return json.replace(UNPRINTABLE, (text) => [...text].map((char) => (char === '\n' ? char : spelled(char))).join(''));
}

/** Above U+FFFF by the two halves of which such a character consists. */
function spelled(char: string): string {
  return char
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}
