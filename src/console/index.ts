// SPDX-License-Identifier: Apache-2.0
/**
 * Web pages over a trust server's storage: repositories, their keys, tags and history, what expires, who did what. It is a
 * verifying client itself: only what went through every stage is called verified. It reads, never writes, holds no key, and
 * believes nothing that metadata says to be markup.
 *
 *     const fetch = createConsole({ source: storage, door, clock: () => new Date(), log });
 *     const listener = listen({ fetch, tls: identity, hostname: '127.0.0.1', port: 4444 });
 */
export { createConsole } from './console.ts';
