/** The request headers that a parameter of an imported document cannot set. */

/** Set by the gateway or from the caller's connection, whatever the document says of them. */
const SUPPLIED = new RegExp(
  `^(${[
    'accept|accept-encoding|authorization|connection|content-length|content-type|host|idempotency-key|traceparent',
    'tracestate|user-agent|x-api-key|x-cccode|x-channel-code|x-logical-guid|x-orgcode|x-session-guid',
  ].join('|')})$`,
);

/** They belong to the connection, to a proxy or to a browser: nothing sets them. */
const FORBIDDEN = new RegExp(
  `^(${[
    'content-encoding|content-transfer-encoding|cookie|expect|forwarded|keep-alive|origin|proxy-.*|te|trailer',
    'transfer-encoding|upgrade|via|x-forwarded-.*',
  ].join('|')})$`,
);

/** Whether the gateway or the connection supplies the value. `name` is in lower case. */
export function isSuppliedHeader(name: string): boolean {
  return SUPPLIED.test(name);
}

/** Whether no parameter may set the header. `name` is in lower case. */
export function isReservedHeader(name: string): boolean {
  return SUPPLIED.test(name) || FORBIDDEN.test(name);
}
