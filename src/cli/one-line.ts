// SPDX-License-Identifier: Apache-2.0

/** What a terminal obeys, what turns the direction of text, and what nobody sees. */
export const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** Names in messages may come from a server: one line, and nothing in it commands the terminal or hides from the reader. */
export function oneLine(text: string): string {
  return text.replace(UNPRINTABLE, ' ');
}
