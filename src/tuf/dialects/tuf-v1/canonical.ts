// SPDX-License-Identifier: Apache-2.0

/** Canonical text has control characters as they are, such as the line ends of PEM; JSON has them as escapes alone. */
export function jsonOfCanonical(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
