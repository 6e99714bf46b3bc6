// SPDX-License-Identifier: Apache-2.0
import { TrustProblem } from './problems.ts';

/** One part of a multipart body. */
export interface Part {
  /** As the client wrote it, slashes included; `undefined` when the part names no file. */
  readonly fileName: string | undefined;
  /** A view into the body. */
  readonly bytes: Uint8Array;
}

const MAX_HEADER_BYTES = 16 * 1024;
const CRLF = '\r\n';

/**
 * The parts of a multipart body (RFC 2046 section 5.1.1). `Request.formData()` is no substitute: it needs a field name,
 * lets a truncated body pass on some runtimes, and copies every part.
 * @throws TrustProblem `MALFORMED_UPLOAD`, `TOO_LARGE`
 */
export function parseMultipart(contentType: string | null, body: Uint8Array, maxParts: number): readonly Part[] {
  const delimiter = `--${boundaryOf(contentType ?? '')}`;
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const parts: Part[] = [];
  let mark = findDelimiter(buffer, delimiter, 0);
  while (!mark.last) {
    const next = findDelimiter(buffer, delimiter, mark.end - CRLF.length);
    parts.push(parsePart(buffer.subarray(mark.end, Math.max(mark.end, next.start))));
    if (parts.length > maxParts) throw new TrustProblem('TOO_LARGE', `more than ${maxParts} files`);
    mark = next;
  }
  return parts;
}

const MULTIPART = /^multipart\/(?:form-data|mixed)[ \t]*;/i;

function boundaryOf(contentType: string): string {
  const boundary = MULTIPART.test(contentType) ? parameter(contentType, 'boundary') : undefined;
  if (boundary === undefined || boundary === '' || boundary.length > 70) throw new TrustProblem('MALFORMED_UPLOAD');
  return boundary;
}

/** A parameter of a structured header such as `form-data; name="files"; filename="targets/releases"`. */
function parameter(header: string, name: string): string | undefined {
  const pattern = /;[ \t]*([^\s=;"]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))[ \t]*/gy;
  pattern.lastIndex = Math.max(0, header.indexOf(';'));
  for (let match = pattern.exec(header); match !== null; match = pattern.exec(header)) {
    if (match[1]?.toLowerCase() === name) return match[2]?.replace(/\\(.)/g, '$1') ?? match[3];
  }
  return undefined;
}

interface Mark {
  /** Where the part before the delimiter ends, and where the one after it begins. */
  readonly start: number;
  readonly end: number;
  readonly last: boolean;
}

/** The next delimiter line at or after `from`; what merely begins like one is content. */
function findDelimiter(buffer: Buffer, delimiter: string, from: number): Mark {
  let at = from;
  if (from === 0 && buffer.indexOf(delimiter) === 0) {
    const mark = delimiterAt(buffer, 0, delimiter.length);
    if (mark !== undefined) return mark;
  }
  for (;;) {
    const start = buffer.indexOf(CRLF + delimiter, at);
    if (start < 0) throw new TrustProblem('MALFORMED_UPLOAD');
    const mark = delimiterAt(buffer, start, start + CRLF.length + delimiter.length);
    if (mark !== undefined) return mark;
    at = start + CRLF.length;
  }
}

function delimiterAt(buffer: Buffer, start: number, end: number): Mark | undefined {
  if (buffer.toString('latin1', end, end + 2) === '--') return { start, end: end + 2, last: true };
  let at = end;
  while (buffer[at] === 0x20 || buffer[at] === 0x09) at++;
  return buffer.toString('latin1', at, at + 2) === CRLF ? { start, end: at + 2, last: false } : undefined;
}

function parsePart(part: Buffer): Part {
  // a part without headers begins with the empty line itself
  if (part.toString('latin1', 0, 2) === CRLF) return { fileName: undefined, bytes: part.subarray(2) };
  const end = part.indexOf(CRLF + CRLF);
  if (end < 0 || end > MAX_HEADER_BYTES) throw new TrustProblem('MALFORMED_UPLOAD');
  const headers = part.toString('utf8', 0, end).split(CRLF);
  const disposition = headers.find((line) => /^content-disposition[ \t]*:/i.test(line));
  return { fileName: disposition && parameter(disposition, 'filename'), bytes: part.subarray(end + 4) };
}
