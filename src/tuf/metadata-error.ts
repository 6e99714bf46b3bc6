// SPDX-License-Identifier: Apache-2.0

/** Data that is not well-formed metadata, a name, or a key; or an edit that would make bad metadata. */
export class MetadataError extends Error {
  override readonly name = 'MetadataError';
  readonly code: 'malformed' | 'unsupported-key' | 'weak-key' | 'unknown-role' | 'outside-paths' | 'bad-threshold';

  constructor(code: MetadataError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
