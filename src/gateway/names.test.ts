// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type NameMapping, readRequest } from './names.ts';
import { GatewayRefusal } from './refusals.ts';

const MAPPING: NameMapping = {
  upstreams: new Set(['docker.io', 'r.example.com', 'localhost:5000']),
  hosts: new Map([['hub.gateway.internal', 'docker.io']]),
  fallback: 'docker.io',
};
const DIGEST = `sha256:${'a'.repeat(64)}`;

function imageOf(path: string, host = 'gateway.internal', mapping = MAPPING): string {
  const request = readRequest(new URL(`https://${host}${path}`), host, mapping);
  return 'image' in request ? `${request.image.domain}/${request.image.path}` : request.kind;
}

describe('which image is meant', () => {
  test.each([
    ['/v2/library/alpine/manifests/1?ns=docker.io', 'docker.io/library/alpine'],
    ['/v2/alpine/manifests/1?ns=docker.io', 'docker.io/library/alpine'],
    ['/v2/app/manifests/1?ns=r.example.com', 'r.example.com/app'],
    ['/v2/app/manifests/1?ns=R.Example.com%3A443', 'r.example.com/app'],
    ['/v2/app/manifests/1?ns=registry-1.docker.io', 'docker.io/library/app'],
    ['/v2/r.example.com/acme/app/manifests/1', 'r.example.com/acme/app'],
    ['/v2/r.example.com/acme/app/manifests/1?ns=docker.io', 'docker.io/r.example.com/acme/app'],
    ['/v2/docker.io/library/alpine/manifests/1', 'docker.io/library/alpine'],
    ['/v2/docker.io/alpine/blobs/DIGEST', 'docker.io/library/alpine'],
    ['/v2/localhost_5000/app/manifests/1', 'localhost:5000/app'],
    ['/v2/localhost:5000/app/_trust/tuf/root.json', 'localhost:5000/app'],
    ['/v2/acme/app/tags/list', 'docker.io/acme/app'],
    ['/v2/acme/app/referrers/DIGEST', 'docker.io/acme/app'],
    ['/v2/acme/app/_trust/tuf/targets/releases.json', 'docker.io/acme/app'],
    ['/v2/manifests/manifests/manifests/1', 'docker.io/manifests/manifests'],
    ['/v2/', 'ping'],
    ['/v2', 'ping'],
    ['/v2/_catalog', 'catalog'],
  ])('%s is %s', (path, expected) => {
    expect(imageOf(path.replace('DIGEST', DIGEST))).toBe(expected);
  });

  test('a name of the gateway stands for its registry, with a port or without', () => {
    expect(imageOf('/v2/alpine/manifests/1', 'hub.gateway.internal')).toBe('docker.io/library/alpine');
    expect(imageOf('/v2/acme/app/manifests/1', 'hub.gateway.internal:5443')).toBe('docker.io/acme/app');
    expect(imageOf('/v2/app/manifests/1?ns=r.example.com', 'hub.gateway.internal')).toBe('r.example.com/app');
  });

  test('whatever letters it is written in, and with the dot of a whole name: no other registry is meant', () => {
    const mapping = { ...MAPPING, hosts: new Map([['corp.gateway.internal', 'r.example.com']]) };
    for (const host of ['CORP.Gateway.internal', 'corp.gateway.internal.', 'Corp.gateway.internal.:5443'])
      expect(imageOf('/v2/app/manifests/1', host, mapping)).toBe('r.example.com/app');
  });

  test.each([
    '/v2/app/manifests/1?ns=evil.example.com',
    '/v2/app/manifests/1?ns=',
    '/v2/evil.example.com/app/manifests/1',
    '/v2/127.0.0.1_22/app/manifests/1',
  ])('S34 %s names a registry that the gateway does not stand for', (path) => {
    expect(() => imageOf(path)).toThrow('this gateway does not stand for');
  });

  test('without a fallback a name has to say its registry', () => {
    const strict = { ...MAPPING, fallback: undefined };
    expect(() => imageOf('/v2/acme/app/manifests/1', 'gateway.internal', strict)).toThrow(GatewayRefusal);
    expect(imageOf('/v2/r.example.com/app/manifests/1', 'gateway.internal', strict)).toBe('r.example.com/app');
  });
});

test('S22 whatever the path, the answer is a request for an allowed registry or a GatewayRefusal', () => {
  const piece = fc.oneof(
    fc.constantFrom('v2', 'manifests', 'blobs', '..', '_trust', 'tuf', 'r.example.com', DIGEST, '%2f'),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 7 }), fc.option(fc.string(), { nil: undefined }), (pieces, namespace) => {
      const url = new URL('https://gateway.internal/v2/');
      url.pathname = `/v2/${pieces.join('/')}`;
      if (namespace !== undefined) url.searchParams.set('ns', namespace);
      try {
        const request = readRequest(url, 'gateway.internal', MAPPING);
        if ('image' in request) expect(MAPPING.upstreams.has(request.image.domain)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(GatewayRefusal);
      }
    }),
    { numRuns: 1000 },
  );
});
