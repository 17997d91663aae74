/** Ids of JSON-RPC messages that JSON.parse may have changed: the client would get an answer to an id it never sent. */

export const INEXACT_ID = {
  code: -32600,
  message: 'The id is a number beyond ±2^53, which JSON does not carry exactly. Use a smaller number or a string.',
};

/** Whether a message, or one in a batch, has an id beyond ±2^53. */
export function hasInexactId(message: unknown): boolean {
  return [message].flat().some((one) => {
    const id = (one as { readonly id?: unknown } | null | undefined)?.id;
    return typeof id === 'number' && Math.abs(id) > Number.MAX_SAFE_INTEGER;
  });
}
