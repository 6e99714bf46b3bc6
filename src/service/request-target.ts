// SPDX-License-Identifier: Apache-2.0

/** The query's parameters. */
export function queryOf(url: string): URLSearchParams {
  return new URLSearchParams(pathAndQuery(url)[1]);
}

/**
 * Where a request has no usable `Host`, as HTTP/1.0 may have none, its URL is a path alone, which `new URL` would not
 * take. The query begins with its question mark, or is empty.
 */
export function pathAndQuery(url: string): readonly [path: string, query: string] {
  const start = url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('://') + 3);
  const target = start < 0 ? '/' : (url.slice(start).split('#', 1)[0] ?? '');
  const mark = target.indexOf('?');
  return mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark)];
}

/** Path and query as a URL, whatever host the request names or does not name: its own means nothing. */
export function targetUrl(url: string): URL {
  return new URL(`http://localhost${pathAndQuery(url).join('')}`);
}
