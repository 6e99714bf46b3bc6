// SPDX-License-Identifier: Apache-2.0

/** Names in messages may come from a server: one line, and no control character reaches the terminal. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}
