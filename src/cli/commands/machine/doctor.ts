// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pc from 'picocolors';
import { dockerConfigDirectory } from '../../../registry/index.ts';
import type { CommandContext } from '../../context.ts';
import { EXAMINED, examine, type Finding, Machine, type Online } from '../../doctor/index.ts';
import { ExitCode } from '../../exit-codes.ts';
import type { Io } from '../../io.ts';
import { jsonText } from '../../json-text.ts';
import { oneLine } from '../../one-line.ts';
import { openPolicyEngine, policyInForce } from '../../policy-in-force.ts';
import { trustDirectory } from '../../settings.ts';
import { PartialFailure } from '../../usage-error.ts';

export interface DoctorOptions {
  readonly fix?: boolean;
  readonly online?: boolean;
}

const ASK_MILLISECONDS = 3000;

/** `hallmark doctor`: what is open on this machine. Exit code 1 if anything graver than a note is left. */
export async function doctor(context: CommandContext, { fix, online }: DoctorOptions): Promise<void> {
  const { io, globals } = context;
  const questions = online === true ? openQuestions(context) : undefined;
  const machine = new Machine({
    root: '/',
    env: io.env,
    now: io.now(),
    trustDirectory: trustDirectory(io, globals),
    dockerConfig: dockerConfigDirectory(io.env),
    ask: askProgram,
    serverTime,
    online: questions?.online,
  });
  const findings = await examine(machine).finally(() => questions?.close());
  const mended = fix === true ? findings.filter(({ mend }) => mend !== undefined) : [];
  for (const { mend } of mended) mend?.();
  const left = findings.filter((finding) => !mended.includes(finding));
  if (globals.json) io.stdout.write(jsonText({ findings: findings.map((one) => asJson(one, mended)) }));
  else io.stdout.write(report(io, findings, mended));
  const grave = left.filter(({ severity }) => severity !== 'note').length;
  if (grave > 0)
    throw new PartialFailure(
      `${grave} ${grave === 1 ? 'thing is' : 'things are'} open on this machine`,
      ExitCode.failed,
    );
}

function asJson({ id, severity, subject, message, fix, mend }: Finding, mended: readonly Finding[]) {
  return {
    id,
    severity,
    subject,
    message,
    fix,
    fixable: mend !== undefined,
    fixed: mended.some((one) => one.subject === subject && one.id === id),
  };
}

function report(io: Io, findings: readonly Finding[], mended: readonly Finding[]): string {
  const colors = pc.createColors(io.stdout.isTerminal && !io.env.NO_COLOR);
  const paint = { critical: colors.red, warning: colors.yellow, note: colors.dim };
  const lines = findings.map((finding) => {
    const { id, severity, subject, message, fix } = finding;
    const state = mended.includes(finding) ? colors.green('fixed') : paint[severity](severity);
    return `${state} ${colors.bold(id)}: ${oneLine(subject)}\n  ${oneLine(message)}\n  fix: ${oneLine(fix)}\n`;
  });
  if (findings.length === 0) return `Nothing open was found (looked at ${EXAMINED.join(', ')}).\n`;
  return lines.join('');
}

/** What `--online` asks. Nothing of it is kept: the policy's state is a directory that goes with it. */
function openQuestions({ io, globals }: CommandContext): { readonly online: Online; close(): void } {
  const policy = policyInForce(io, globals);
  if (policy === undefined) return { online: { answers }, close: () => undefined };
  const directory = mkdtempSync(join(tmpdir(), 'hallmark-doctor-'));
  const engine = openPolicyEngine(io, globals, policy, { point: 'cli', directory });
  return {
    online: {
      answers,
      judge: async (reference) => {
        const decision = await engine.decide(reference);
        return { outcome: decision.outcome, reason: decision.outcome === 'allow' ? '' : decision.message };
      },
    },
    close: () => {
      engine.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(ASK_MILLISECONDS) });
    return true;
  } catch (error) {
    // a certificate that is not trusted is an answer too
    return error instanceof Error && 'code' in error && /CERT|SIGNATURE|ISSUER/.test(String(error.code));
  }
}

async function askProgram(argv: readonly string[]): Promise<string | undefined> {
  const [name = ''] = argv;
  if (Bun.which(name) === null) return undefined;
  const child = Bun.spawn([...argv], { stdout: 'pipe', stderr: 'ignore', stdin: 'ignore', timeout: ASK_MILLISECONDS });
  const text = await new Response(child.stdout).text();
  return (await child.exited) === 0 ? text : undefined;
}

/** Asked without checking its certificate: only the time is wanted, and a wrong one is a finding either way. */
async function serverTime(url: string): Promise<Date | undefined> {
  try {
    const init = { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(ASK_MILLISECONDS) } as const;
    const response = await fetch(new URL('/v2/', url), { ...init, tls: { rejectUnauthorized: false } });
    const date = new Date(response.headers.get('date') ?? '');
    return Number.isNaN(date.getTime()) ? undefined : date;
  } catch {
    return undefined;
  }
}
