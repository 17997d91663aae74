/** The parsed headers of a request, carried past the SDK: it hands on web requests and knows no headers of ours. */
import { type CallHeaders, NO_HEADERS } from '../pipeline/headers.js';

const attached = new WeakMap<Request, CallHeaders>();

/** Attaches the headers that were parsed from the HTTP request behind this web request. */
export function attachHeaders(request: Request, headers: CallHeaders): void {
  attached.set(request, headers);
}

/**
 * The headers attached to a request; none of the contract's without a request. Only the first call returns the request
 * id: of several messages in one request, one call takes it over and the others get ids of their own.
 */
export function headersOf(request: Request | undefined): CallHeaders {
  const headers = request === undefined ? undefined : attached.get(request);
  if (request === undefined || headers === undefined) return NO_HEADERS;
  if (headers.requestId !== undefined) attached.set(request, { ...headers, requestId: undefined });
  return headers;
}
