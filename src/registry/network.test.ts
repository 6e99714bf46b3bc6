// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { isLoopbackHost, isPrivateHost } from './network.ts';

const isPrivate = (host: string, ...addresses: string[]) =>
  isPrivateHost(new URL(`https://${host}/`).hostname, async () => addresses);

test('S34 no address of a machine’s own surroundings passes for one of the internet, however it is written', async () => {
  const inside = ['10.0.0.1', '0x7f.1', '[::1]', '[fe80::1]', '[fd00:ec2::254]', 'localhost.', 'a.localhost'];
  const metadata = ['169.254.169.254', '[::ffff:169.254.169.254]', '[64:ff9b::169.254.169.254]', '[2002:a9fe:a9fe::1]'];
  const ofClouds = ['100.100.100.200', '192.0.0.192', '168.63.129.16'];
  for (const host of [...inside, ...metadata, ...ofClouds]) expect([host, await isPrivate(host)]).toEqual([host, true]);
  for (const host of ['8.8.8.8', '192.0.1.1', '168.63.129.17', '[2001:4860:4860::8888]', '[2002:808:808::1]'])
    expect([host, await isPrivate(host)]).toEqual([host, false]);
  expect(await isPrivate('evil.example.com', '8.8.8.8', '192.0.0.192')).toBe(true);
  expect(await isPrivate('registry.example.com', '8.8.8.8')).toBe(false);
});

test('S33 loopback, where a password may go in clear, is this machine alone', () => {
  for (const host of ['localhost', 'a.localhost', '127.0.0.1', '127.1.2.3', '[::1]', '[::ffff:7f00:1]'])
    expect([host, isLoopbackHost(host)]).toEqual([host, true]);
  for (const host of ['[64:ff9b::7f00:1]', '[2002:7f00:1::1]', '127.0.0.1.evil.net', 'localhost.evil.net', '[::2]'])
    expect([host, isLoopbackHost(host)]).toEqual([host, false]);
});
