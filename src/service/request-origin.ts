// SPDX-License-Identifier: Apache-2.0
import { currentRequest, type RequestOrigin } from './request-context.ts';

/** Knows the address at the other end of a request's connection, for as long as the request is being answered. */
export interface AddressBook {
  requestIP(request: Request): { readonly address: string } | null;
}

const books = new Set<AddressBook>();
const origins = new WeakMap<Request, () => RequestOrigin>();

/** Takes a listener's word for where its requests come from: nothing is kept of a request that nobody asks about. */
export function addAddressBook(book: AddressBook): void {
  books.add(book);
}

export function removeAddressBook(book: AddressBook): void {
  books.delete(book);
}

/** Remembers where `request` came from, where no listener of ours knows it; `origin` is asked only when somebody asks. */
export function noteOrigin(request: Request, origin: () => RequestOrigin): void {
  const known = origins.get(request);
  origins.set(request, known === undefined ? origin : () => ({ ...known(), ...origin() }));
}

/** Where a request came from, with what trusted proxies tell while it is being answered. */
export function originOf(request: Request): RequestOrigin {
  const context = currentRequest();
  return context?.request === request ? context.origin() : peerOf(request);
}

/** The other end of the connection alone. */
export function peerOf(request: Request): RequestOrigin {
  const noted = origins.get(request);
  if (noted !== undefined) return noted();
  for (const book of books) {
    const found = book.requestIP(request);
    if (found !== null) return { address: found.address };
  }
  return {};
}
