// SPDX-License-Identifier: Apache-2.0
/**
 * Bytes and text, nothing of trust: strict and canonical JSON, hex, base64, PEM, DER. It never reads a file, a clock
 * or a network, and it knows no TUF.
 *
 *     const document = decodeJson(bytes);               // strict: duplicate keys and trailing bytes are refused
 *     const signed = encodeCanonicalJson(document);     // the bytes that a signature covers
 */
export * from './canonical-json.ts';
export * from './der.ts';
export * from './errors.ts';
export * from './json.ts';
export * from './pem.ts';
export * from './text.ts';
