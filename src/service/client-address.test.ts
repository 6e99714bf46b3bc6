// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { clientNetwork, NetworkError, TrustedProxies } from './client-address.ts';

const PROXIES = new TrustedProxies({ addresses: ['10.0.0.0/8', 'fd00::/8'], requestIdHeader: 'X-Request-Id' });
const from = (headers: Record<string, string>) => new Request('https://x/', { headers });

describe('TrustedProxies', () => {
  test('a client that says it is somebody else is not believed', () => {
    const request = from({ 'X-Forwarded-For': '192.0.2.1', 'X-Request-Id': 'made-up' });

    expect(PROXIES.addressOf(request, '198.51.100.7')).toBe('198.51.100.7');
    expect(PROXIES.requestIdOf(request, '198.51.100.7')).toBeUndefined();
    expect(new TrustedProxies().addressOf(request, '10.0.0.1')).toBe('10.0.0.1');
    expect(PROXIES.addressOf(request, undefined)).toBeUndefined();
  });

  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['203.0.113.9, 192.0.2.1', '192.0.2.1'],
    ['203.0.113.9, 192.0.2.1, 10.1.1.1', '192.0.2.1'],
    ['2001:db8::1, fd00::2', '2001:db8::1'],
    ['203.0.113.9, not an address', '10.0.0.1'],
    ['', '10.0.0.1'],
    ['10.2.2.2', '10.0.0.1'],
  ])('through a proxy, "%s" is %s: the last hop that is no proxy of ours', (header, address) => {
    expect(PROXIES.addressOf(from({ 'X-Forwarded-For': header }), '10.0.0.1')).toBe(address);
  });

  test('the ID of a proxy is taken over, unless it could break a line of the log', () => {
    expect(PROXIES.requestIdOf(from({ 'X-Request-Id': 'a1-b2' }), '10.0.0.1')).toBe('a1-b2');
    expect(PROXIES.requestIdOf(from({ 'X-Request-Id': 'a b' }), '10.0.0.1')).toBeUndefined();
    expect(PROXIES.requestIdOf(from({ 'X-Request-Id': 'x'.repeat(129) }), '10.0.0.1')).toBeUndefined();
    expect(PROXIES.requestIdOf(from({}), '10.0.0.1')).toBeUndefined();
  });

  test.each(['10.0.0.0/33', '10.0.0.0/x', 'proxy.example.com', '', 'fd00::/129'])('%p is no network', (text) => {
    expect(() => new TrustedProxies({ addresses: [text] })).toThrow(NetworkError);
  });
});

describe('clientNetwork', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('%s is a client of %s', (address, network) => {
    expect(clientNetwork(address)).toBe(network);
  });
});
