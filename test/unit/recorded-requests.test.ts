// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { openToAll, tokenAuthenticator } from '../../src/server/auth/index.ts';
import { SILENT_LOG } from '../../src/service/index.ts';
import { MemoryServiceKeys } from '../../src/signing/service-keys/index.ts';
import { type RecordedRequest, recordedRequests, sentAgain } from '../support/recorded-requests.ts';
import { scratchDirectories } from '../support/scratch.ts';
import { TokenIssuer } from '../support/token-issuer.ts';
import { TrustStage } from '../support/trust-stage.ts';

const scratch = scratchDirectories();
const RECORDED_AT = new Date('2026-11-22T14:28:02Z');

/** Status and error code, as far as there is one. */
interface Answer {
  readonly status: number;
  readonly code: string | null;
}

/** What ours answers otherwise, and why that is right (docs/compatibility.md). */
interface Difference extends Answer {
  readonly cases: RegExp;
  readonly why: string;
}

const INVALID: Answer = { status: 400, code: 'INVALID_UPDATE' };
const MALFORMED: Answer = { status: 400, code: 'MALFORMED_UPLOAD' };

const DIFFERENCES: readonly Difference[] = [
  { cases: /^multipart-(?:wrong-boundary|empty-body)$/, ...MALFORMED, why: 'the original closes the connection' },
  { cases: /^multipart-truncated$/, ...MALFORMED, why: 'a body without its end is not looked into' },
  {
    cases: /^snapshot-duplicate-part$/,
    ...MALFORMED,
    why: 'a role twice: one verified and the other stored is a hole',
  },
  {
    cases:
      /^json-(?:newline-at-end|indented-reordered|signatures-first|unknown-field-in-(?:signed|target)|expires-with-offset|html-characters-in-name|u2028-in-name|custom-unsorted)(?:-client-snapshot)?$/,
    ...INVALID,
    why: 'bytes that the original would not write itself: it stores them, and can often not serve them again',
  },
  {
    cases: /^json-(?:trailing-newline|not-canonical-whitespace-and-order|unknown-fields|unknown-top-level-field)$/,
    ...INVALID,
    why: 'the same',
  },
  {
    cases: /^json-trailing-garbage$/,
    status: 400,
    code: 'MALFORMED_JSON',
    why: 'bytes after the document are no JSON',
  },
  {
    cases: /^signature-(?:method-uppercase|duplicate|good-and-unknown|good-and-bad-same-key)$/,
    ...INVALID,
    why: 'not the canonical form of a file',
  },
  {
    cases:
      /^field-(?:missing-targets|missing-delegations|spec-version)$|^target-(?:no-hashes|short-sha256|no-length|negative-length|custom-null)$/,
    ...INVALID,
    why: 'no client could use the file',
  },
  {
    cases: /^root-(?:consistent-snapshot-missing|unknown-key-type)$/,
    ...INVALID,
    why: 'not the form of a root that every Notary writes',
  },
  { cases: /^version-above-int32$/, ...INVALID, why: 'the original fails on its column, with a 500' },
  {
    cases: /^route-get-(?:missing-delegation|delegation-uppercase)$/,
    status: 404,
    code: 'METADATA_NOT_FOUND',
    why: 'the original answers 500 to a delegation that is not there',
  },
  {
    cases: /^(?:route-long-gun-(?:256-get-key|delete)|long-gun-256-publish)$/,
    status: 400,
    code: 'INVALID_GUN',
    why: 'a name beyond 255 characters fits no column',
  },
  {
    cases: /^route-gun-dots$/,
    status: 404,
    code: 'METADATA_NOT_FOUND',
    why: 'dots are resolved where the request is read, and the clean path answered at once',
  },
];

/** What was stored when the request was recorded is not here, nor are the keys of the original's signer. */
const STATELESS = /no pre-existing root|server holds no snapshot key|no timestamp keys exist on the server/;

function needsState(recorded: RecordedRequest, { status }: Answer, text: string): boolean {
  if (recorded.method === 'GET') return recorded.status === 200 && status === 404;
  return (recorded.status === 200 || recorded.code === 'VERSION') && STATELESS.test(text);
}

async function replay(
  stage: TrustStage,
  recorded: RecordedRequest,
): Promise<{ answer: Answer; text: string; response: Response }> {
  const { method, path, init } = sentAgain(recorded);
  const response = await stage.request(method, path, init);
  const text = await response.text();
  const code = response.status >= 400 && text !== '' ? JSON.parse(text).errors[0].code : null;
  return { answer: { status: response.status, code }, text, response };
}

function server(name: string): readonly RecordedRequest[] {
  const found = recordedRequests('bad-requests').filter((recorded) => recorded.server === name);
  expect(found.length).toBeGreaterThan(0);
  return found;
}

describe('every bad request that was recorded with the original server', () => {
  test('is answered alike, or otherwise for a reason that is written down', async () => {
    const stage = new TrustStage();
    stage.now = RECORDED_AT;
    const used = new Set<Difference>();

    for (const recorded of server('mysql')) {
      const { answer, text } = await replay(stage, recorded);
      expect(answer.status).toBeLessThan(500);
      if (needsState(recorded, answer, text)) continue;
      const difference = DIFFERENCES.find(({ cases }) => cases.test(recorded.case));
      if (difference !== undefined) used.add(difference);
      const { status, code } = difference ?? { status: recorded.status, code: recorded.code ?? null };
      expect({ case: recorded.case, ...answer }).toEqual({ case: recorded.case, status, code } as never);
    }
    expect(DIFFERENCES.filter((difference) => !used.has(difference))).toEqual([]);
  });

  test('with GUN prefixes', async () => {
    const stage = new TrustStage({ gunPrefixes: ['docker.io/', 'localhost:25050/'] });
    for (const recorded of server('memory, repositories.gun_prefixes ["docker.io/","localhost:25050/"]')) {
      const { answer, text } = await replay(stage, recorded);
      expect({ case: recorded.case, ...answer }).toEqual({
        case: recorded.case,
        status: recorded.status as number,
        code: recorded.code ?? null,
      });
      if (recorded.answer !== undefined) expect(text).toBe(recorded.answer);
    }
  });

  test('with token authentication, challenge and body too', async () => {
    const issuer = new TokenIssuer();
    const auth = await tokenAuthenticator({
      realm: 'https://auth.example.com/token',
      service: 'notary.example.com',
      issuer: 'auth.example.com',
      certificates: issuer.writeBundle(scratch()),
      clock: () => RECORDED_AT,
      log: SILENT_LOG,
    });
    const stage = new TrustStage({ auth });
    for (const recorded of server('memory, auth token')) {
      const { answer, text, response } = await replay(stage, recorded);
      expect({ case: recorded.case, ...answer }).toEqual({
        case: recorded.case,
        status: recorded.status as number,
        code: recorded.code ?? null,
      });
      expect(inOneOrder(response.headers.get('www-authenticate') ?? undefined)).toBe(
        inOneOrder(recorded.challenge) as never,
      );
      if (recorded.answer !== undefined) expect(sorted(text)).toEqual(sorted(recorded.answer));
    }
  });

  test('while the signer cannot be reached: what needs it fails alike, and nothing else does', async () => {
    class LostKeys extends MemoryServiceKeys {
      override async create(): Promise<never> {
        throw new Error('cannot be reached');
      }
    }
    const stage = new TrustStage({ keys: new LostKeys(), auth: openToAll });
    for (const recorded of server('mysql, signer not reachable')) {
      const { answer } = await replay(stage, recorded);
      const isRead = recorded.method === 'GET' && !recorded.path.endsWith('.key');
      if (isRead) expect([200, 404]).toContain(answer.status);
      else expect(answer).toEqual({ status: recorded.status as number, code: recorded.code as string });
    }
  });
});

test('both CLIs with token authentication: whoever was let in is let in, whoever was not is told the same', async () => {
  const requests = recordedRequests('token-requests');
  const token = requests.find(({ authorization }) => authorization !== undefined)?.authorization?.split(' ')[1] ?? '';
  const [certificate] = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).x5c;
  const lines = certificate.match(/.{1,64}/g).join('\n');
  const pem = `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  const auth = await tokenAuthenticator({
    realm: 'http://localhost:25901/token',
    service: 'notary.example.com',
    issuer: 'auth.example.com',
    certificates: new TokenIssuer().writeBundle(scratch(), pem),
    clock: () => new Date('2026-11-22T14:17:10Z'),
    log: SILENT_LOG,
  });
  const stage = new TrustStage({ auth });
  const told: number[] = [];
  for (const recorded of requests) {
    const { answer, text, response } = await replay(stage, recorded);
    const about = `${recorded.case} ${recorded.method} ${recorded.path}`;
    expect({ about, refused: answer.status === 401 }).toEqual({ about, refused: recorded.status === 401 });
    if (recorded.status !== 401) continue;
    expect(inOneOrder(response.headers.get('www-authenticate') ?? '')).toBe(inOneOrder(recorded.challenge) as never);
    expect(sorted(text)).toEqual(sorted(recorded.answer ?? ''));
    told.push(401);
  }
  expect(told.length).toBeGreaterThan(15);
  expect(requests.length - told.length).toBeGreaterThan(30);
});

/** The original names actions in any order. */
function inOneOrder(challenge: string | undefined): string | undefined {
  return challenge?.replace('pull,push', 'push,pull');
}

function sorted(text: string): unknown {
  if (text === '' || text === '{}') return text;
  const { errors } = JSON.parse(text);
  return errors.map((error: { detail?: { Action: string }[] }) => ({
    ...error,
    detail: Array.isArray(error.detail)
      ? error.detail.toSorted((a, b) => a.Action.localeCompare(b.Action))
      : error.detail,
  }));
}
