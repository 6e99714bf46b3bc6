// SPDX-License-Identifier: Apache-2.0

/** Whether a `.dockerignore` leaves a file out: the last pattern that covers it, or a directory above it, decides. */
export function isIgnored(file: string, patterns: string): boolean {
  const parts = file.split('/');
  const paths = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  let ignored = false;
  for (const line of patterns.split('\n').map((text) => text.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const isException = line.startsWith('!');
    const pattern = expression(
      (isException ? line.slice(1) : line)
        .trim()
        .replace(/^\/+|\/+$/g, '')
        .replace(/^\.\//, ''),
    );
    if (paths.some((path) => pattern.test(path))) ignored = !isException;
  }
  return ignored;
}

/** More than anybody needs, and few enough to be matched at once (S31). */
const MAX_WILDCARDS = 8;

function expression(pattern: string): RegExp {
  if ((pattern.match(/[*?]/g) ?? []).length > MAX_WILDCARDS) return /(?!)/;
  const source = pattern.replace(/\*\*\/?|[*?]|[\\^$.|+()[\]{}]/g, (mark) => {
    if (mark === '**/') return '(?:.*/)?';
    if (mark === '**') return '.*';
    if (mark === '*') return '[^/]*';
    return mark === '?' ? '[^/]' : `\\${mark}`;
  });
  return new RegExp(`^${source}$`);
}
