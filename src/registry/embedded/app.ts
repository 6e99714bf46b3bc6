// SPDX-License-Identifier: Apache-2.0
import { type Context, Hono } from 'hono';
import { isRepositoryPath } from '../reference.ts';
import { deleteBlob, getBlob } from './blobs.ts';
import { DEFAULT_LIMITS, type Exchange, type RegistryLimits, UploadLedger } from './exchange.ts';
import { listReferrers, listTags } from './listings.ts';
import { deleteManifest, getManifest, putManifest } from './manifests.ts';
import { Problem, problemResponse } from './problems.ts';
import type { RegistryStorage } from './storage.ts';
import { deleteUpload, getUpload, patchUpload, postUpload, putUpload } from './uploads.ts';

export interface EmbeddedRegistryOptions {
  readonly limits?: Partial<RegistryLimits>;
  /** Told what a client is not told: the cause of an answer 500. */
  readonly onError?: (error: unknown) => void;
}

/** A registry as a function from request to response. Never throws; whoever may reach it may push to it. */
export interface EmbeddedRegistry {
  fetch(request: Request): Promise<Response>;
}

/** A whole OCI registry over a storage: pull, push, tags, referrers, deletion (OCI distribution specification 1.1). */
export function embeddedRegistry(storage: RegistryStorage, options: EmbeddedRegistryOptions = {}): EmbeddedRegistry {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const uploads = new UploadLedger(limits.uploads);
  const app = new Hono();
  const on = (handle: (exchange: Exchange) => Promise<Response>) => (context: Context) => {
    const { name, last } = context.req.param() as { readonly name?: string; readonly last?: string };
    const repository = name ?? '';
    if (!isRepositoryPath(repository)) throw new Problem('NAME_INVALID', 'invalid repository name');
    const request = context.req.raw;
    const url = URL.parse(request.url);
    if (url === null) throw new Problem('NAME_INVALID', 'the request names no host that can be read');
    return handle({ request, url, storage, limits, uploads, repository, last: last ?? '' });
  };

  app.use(async (context, next) => {
    await next();
    context.header('docker-distribution-api-version', 'registry/2.0');
    context.header('x-content-type-options', 'nosniff');
  });
  app.get('/v2/', (context) => context.json({}));
  app.get('/v2', (context) => context.json({}));
  app.get('/v2/:name{.+}/tags/list', on(listTags));
  app.get('/v2/:name{.+}/referrers/:last', on(listReferrers));
  app.get('/v2/:name{.+}/manifests/:last', on(getManifest));
  app.put('/v2/:name{.+}/manifests/:last', on(putManifest));
  app.delete('/v2/:name{.+}/manifests/:last', on(deleteManifest));
  app.post('/v2/:name{.+}/blobs/uploads/', on(postUpload));
  app.post('/v2/:name{.+}/blobs/uploads', on(postUpload));
  app.get('/v2/:name{.+}/blobs/uploads/:last', on(getUpload));
  app.patch('/v2/:name{.+}/blobs/uploads/:last', on(patchUpload));
  app.put('/v2/:name{.+}/blobs/uploads/:last', on(putUpload));
  app.delete('/v2/:name{.+}/blobs/uploads/:last', on(deleteUpload));
  app.get('/v2/:name{.+}/blobs/:last', on(getBlob));
  app.delete('/v2/:name{.+}/blobs/:last', on(deleteBlob));
  app.notFound(({ req }) => {
    const isRead = req.method === 'GET' || req.method === 'HEAD';
    const code = isRead ? 'NAME_UNKNOWN' : 'UNSUPPORTED';
    return problemResponse(new Problem(code, isRead ? 'no such resource' : 'the operation is unsupported'));
  });
  app.onError((error) => {
    if (error instanceof Problem) return problemResponse(error);
    options.onError?.(error);
    return problemResponse(new Problem('UNKNOWN', 'internal error'));
  });
  return { fetch: async (request) => app.fetch(request) };
}
