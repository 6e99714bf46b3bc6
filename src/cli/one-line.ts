// SPDX-License-Identifier: Apache-2.0

/** What a terminal obeys, what turns the direction of text, and what nobody sees. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** Names in messages may come from a server: one line, and nothing in it commands the terminal or hides from the reader. */
export function oneLine(text: string): string {
  return text.replace(UNPRINTABLE, ' ');
}

/** The same of a JSON text, which says what it said: JSON has its own way to spell such characters. */
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
