// SPDX-License-Identifier: Apache-2.0

/** Bytes or text that do not have the form they should have. Says where, never what they contain. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  /** Offset of the first offending character or byte, where one can be named. */
  readonly offset: number | undefined;

  constructor(message: string, offset?: number) {
    super(offset === undefined ? message : `${message} at offset ${offset}`);
    this.offset = offset;
  }
}
