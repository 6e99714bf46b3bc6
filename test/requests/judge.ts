// SPDX-License-Identifier: Apache-2.0

/** An answer as far as it is judged. */
export interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly text: string;
}

/** What must never be told: where the program lies, and how it is made. */
const LEAKS = /node_modules|\/src\/|\.ts:\d|\bat \w+ \(|\bError:|\[native code\]|undefined|\/(?:root|home|usr|var)\//;
const MAX_ERROR = 1024;
/** Answers without a body: a method that no route has, and what is not answered by the API but by HTTP itself. */
const BARE = new Set([301, 405]);

/** What is wrong with an answer to a request that nobody vouches for; `undefined` if nothing. */
export function faultOf(method: string, { status, type, text }: Answer): string | undefined {
  if (status < 200 || status >= 500) return `status ${status}`;
  if (status < 400) return undefined;
  if (method === 'HEAD' || BARE.has(status)) return text === '' ? undefined : 'a body where none belongs';
  if (type !== 'application/json; charset=utf-8') return `content type ${type}`;
  if (Buffer.byteLength(text) > MAX_ERROR) return `an error of ${text.length} characters`;
  if (LEAKS.test(text)) return 'a leak';
  return isEnvelope(text) ? undefined : 'no error envelope';
}

/** `{"errors":[{"code":"…","message":"…","detail":…}]}` and a line end, as Notary writes it. */
function isEnvelope(text: string): boolean {
  if (!text.endsWith('}\n')) return false;
  const { errors, ...rest } = JSON.parse(text);
  if (!Array.isArray(errors) || errors.length !== 1 || Object.keys(rest).length > 0) return false;
  const { code, message, detail: _, ...more } = errors[0];
  return /^[A-Z_]+$/.test(code) && typeof message === 'string' && message !== '' && Object.keys(more).length === 0;
}
