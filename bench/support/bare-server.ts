// SPDX-License-Identifier: Apache-2.0
/**
 * `bun bare-server.ts PORT CERT KEY BODY HEADERS`: what the runtime's HTTP server can do at most. Over TLS it answers every
 * request with the bytes of one file and the headers of another (JSON), and looks at nothing.
 */
import { readFileSync } from 'node:fs';

const [port, cert = '', key = '', body = '', headersFile = ''] = process.argv.slice(2);
const bytes = new Uint8Array(readFileSync(body));
const headers: Record<string, string> = JSON.parse(readFileSync(headersFile, 'utf8'));

Bun.serve({
  hostname: '127.0.0.1',
  port: Number(port),
  development: false,
  tls: { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') },
  fetch: () => new Response(bytes, { headers }),
});
