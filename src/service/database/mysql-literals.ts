// SPDX-License-Identifier: Apache-2.0

/*
 * Values as literals of MySQL, for texts of several statements, which cannot have parameters. What a value holds never
 * stands in the text as it is, only as hexadecimal digits or base64: there is nothing to escape, whatever the session's
 * character set and mode are.
 */

export function textLiteral(text: string): string {
  return `_utf8mb4 x'${Buffer.from(text.toWellFormed(), 'utf8').toString('hex')}'`;
}

export function bytesLiteral(bytes: Uint8Array): string {
  return `from_base64('${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')}')`;
}

/** @throws RangeError for what is no safe integer */
export function numberLiteral(value: number): string {
  if (!Number.isSafeInteger(value)) throw new RangeError('not an integer');
  return String(value);
}

export function nullable(text: string | null): string {
  return text === null ? 'null' : textLiteral(text);
}
