// SPDX-License-Identifier: Apache-2.0
import { decodeJsonObject, type JsonValue } from '../encoding/index.ts';
import { RegistryError, type RegistryErrorCode, type RegistryProblem } from './errors.ts';

const MAX_PROBLEMS = 8;
const MAX_TEXT = 300;

/** The entries of an OCI error body, or a token service's one line; nothing readable is no entries. */
export function problemsOf(body: Uint8Array | undefined): readonly RegistryProblem[] {
  if (body === undefined || body.length === 0) return [];
  try {
    const answer = decodeJsonObject(body, { depth: 16, values: 10_000 });
    const errors = answer.get('errors');
    if (Array.isArray(errors)) return errors.slice(0, MAX_PROBLEMS).flatMap(problemOf);
    const single = answer.get('details') ?? answer.get('error_description') ?? answer.get('message');
    return typeof single === 'string' && single !== '' ? [{ code: '', message: oneLine(single) }] : [];
  } catch {
    return []; // an error page in another form says nothing that the status does not
  }
}

/** What the registry said, as Docker shows it: `manifest unknown: …`. */
export function problemText(problems: readonly RegistryProblem[]): string | undefined {
  const [first] = problems;
  if (first === undefined) return undefined;
  const code = first.code.toLowerCase().replaceAll('_', ' ');
  if (code === '' || code === first.message.toLowerCase()) return first.message;
  return first.message === '' ? code : `${code}: ${first.message}`;
}

/** Text of a stranger on one line, without control characters that would steer a terminal, and cut. */
export function oneLine(text: string): string {
  const clean = text
    .slice(0, MAX_TEXT * 4)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  return clean.length > MAX_TEXT ? `${clean.slice(0, MAX_TEXT)}…` : clean;
}

function codeOfStatus(status: number): RegistryErrorCode {
  if (status === 401) return 'unauthorized';
  if (status === 403) return 'denied';
  if (status === 404) return 'not-found';
  if (status === 429) return 'rate-limited';
  if (status === 413) return 'too-large';
  if (status >= 300 && status < 400) return 'redirect-refused';
  if (status >= 400 && status < 500) return 'rejected';
  return status >= 500 ? 'unavailable' : 'malformed';
}

/** The error for an answer that is not the one hoped for. `what` names the attempt: `manifest app:1`. */
export function answerError(
  status: number,
  body: Uint8Array | undefined,
  context: { readonly host: string; readonly repository?: string; readonly what: string },
): RegistryError {
  const problems = problemsOf(body);
  const code = codeOfStatus(status);
  const reason = problemText(problems) ?? plainReason(code, status);
  const { host, repository, what } = context;
  return new RegistryError(code, `registry ${host}: ${what}: ${reason}`, {
    status,
    host,
    problems,
    ...(repository === undefined ? {} : { repository }),
  });
}

function plainReason(code: RegistryErrorCode, status: number): string {
  if (code === 'unauthorized') return 'authentication required';
  if (code === 'denied') return 'requested access to the resource is denied';
  if (code === 'not-found') return 'not found';
  if (code === 'rate-limited') return 'too many requests';
  if (code === 'redirect-refused') return `redirected (${status}), which is not followed here`;
  return `answered ${status}`;
}

function problemOf(value: JsonValue): readonly RegistryProblem[] {
  if (!(value instanceof Map)) return [];
  const code: unknown = value.get('code');
  const message: unknown = value.get('message');
  const detail: unknown = value.get('detail');
  const text = typeof message === 'string' && message !== '' ? message : typeof detail === 'string' ? detail : '';
  return [{ code: typeof code === 'string' ? oneLine(code) : '', message: oneLine(text) }];
}
