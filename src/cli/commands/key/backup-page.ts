// SPDX-License-Identifier: Apache-2.0
import { htmlEscape } from '../../../encoding/index.ts';
import { formatShare, type SavedKey, type Share } from '../../../signing/backup/index.ts';
import { VERSION } from '../../version.ts';
import { describeKey } from './chosen-keys.ts';

/** What a printed page tells of a backup. */
export interface BackupPage {
  readonly file: string;
  readonly sha256: string;
  readonly created: Date;
  readonly keys: readonly SavedKey[];
  /** None where a passphrase opens the backup. */
  readonly shares: readonly Share[];
}

/** One sheet: a heading, paragraphs, and lines that are kept as they are. */
interface Sheet {
  readonly title: string;
  readonly parts: readonly (string | { readonly lines: readonly string[] })[];
}

/** The page as text with a form feed between sheets, or as HTML with a page break: one share on each sheet. */
export function backupPage(page: BackupPage, form: 'text' | 'html'): string {
  const sheets =
    page.shares.length === 0 ? [passphraseSheet(page)] : page.shares.map((share) => shareSheet(page, share));
  return form === 'html' ? htmlPage(sheets) : sheets.map(textSheet).join('\f');
}

function passphraseSheet(page: BackupPage): Sheet {
  const command = `hallmark key restore ${shellWord(page.file)}`;
  return {
    title: 'Backup of signing keys',
    parts: [
      ...about(page),
      'To restore the keys, on any machine with Hallmark, with the backup file and its passphrase:',
      { lines: [command] },
      'The passphrase is not on this page. Where it is kept:',
      { lines: ['', '________________________________________________'] },
    ],
  };
}

function shareSheet(page: BackupPage, share: Share): Sheet {
  const command = ['hallmark', 'key', 'restore', shellWord(page.file), ...shareOptions(share.needed)].join(' ');
  return {
    title: `Backup of signing keys: share ${share.number} of ${share.shares}`,
    parts: [
      `Keep this sheet secret and apart from the others: any ${share.needed} of the ${share.shares} shares open the backup.`,
      { lines: grouped(formatShare(share)) },
      ...about(page),
      `To restore the keys, on any machine with Hallmark, with the backup file and ${share.needed} shares typed into files:`,
      { lines: [command] },
      'Without --share, the program asks for the shares. Capital and small letters, blanks and hyphens make no difference.',
    ],
  };
}

function about({ file, sha256, created, keys }: BackupPage): Sheet['parts'] {
  return [
    `Backup file ${file}, made ${created.toISOString().slice(0, 16).replace('T', ' ')} UTC by Hallmark ${VERSION}.`,
    { lines: [`SHA-256 ${sha256}`] },
    `It holds ${keys.length} private ${keys.length === 1 ? 'key' : 'keys'}, each under its own passphrase, which is needed beside this:`,
    { lines: keys.map(describeKey) },
  ];
}

function shareOptions(needed: number): readonly string[] {
  return Array.from({ length: needed }, (_, index) => `--share share-${index + 1}.txt`);
}

const GROUPS_IN_LINE = 6;

/** The share's groups on a few lines, as a person copies them. */
function grouped(text: string): readonly string[] {
  const [mark = '', ...groups] = text.split('-');
  const lines: string[] = [mark];
  for (let from = 0; from < groups.length; from += GROUPS_IN_LINE)
    lines.push(groups.slice(from, from + GROUPS_IN_LINE).join('-'));
  return lines;
}

function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function textSheet({ title, parts }: Sheet): string {
  const body = parts.map((part) =>
    typeof part === 'string' ? `${part}\n` : part.lines.map((line) => `    ${line}\n`).join(''),
  );
  return `${title}\n${'='.repeat(title.length)}\n\n${body.join('\n')}`;
}

/** Nothing is loaded from anywhere, and nothing runs: a page with a secret on it must not speak to anybody. */
const HEAD = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Backup of signing keys</title>
<style>
body { font: 12pt/1.5 serif; max-width: 42em; margin: 2em auto; }
pre { font: 11pt/1.6 monospace; white-space: pre-wrap; overflow-wrap: anywhere; border-left: 3px solid; padding-left: 1em; }
section + section { break-before: page; }
</style>
</head>
<body>
`;

function htmlPage(sheets: readonly Sheet[]): string {
  const sections = sheets.map(({ title, parts }) => {
    const body = parts.map((part) =>
      typeof part === 'string' ? `<p>${htmlEscape(part)}</p>\n` : `<pre>${htmlEscape(part.lines.join('\n'))}</pre>\n`,
    );
    return `<section>\n<h1>${htmlEscape(title)}</h1>\n${body.join('')}</section>\n`;
  });
  return `${HEAD}${sections.join('')}</body>\n</html>\n`;
}
