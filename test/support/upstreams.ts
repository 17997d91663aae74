/** Upstreams and gateways that a test file closes by itself. */
import { afterEach } from 'vitest';
import { type GatewayWorld, openGateway } from './gateway.js';
import { type Line, openUpstream, type TestUpstream, type TestUpstreamOptions } from './upstream.js';

export interface Opened {
  readonly upstream: TestUpstream;
  readonly gateway: GatewayWorld;
}

/** Call at the top of a test file: what is opened with it is closed after each test. */
export function closingUpstreams() {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  const upstreamOf = async (options: TestUpstreamOptions = {}): Promise<TestUpstream> => {
    const upstream = await openUpstream(options);
    closing.push(() => upstream.close());
    return upstream;
  };
  const gatewayTo = (base: URL, options: Parameters<typeof openGateway>[1] = {}): GatewayWorld => {
    const gateway = openGateway(base, options);
    closing.push(() => gateway.backend.close());
    return gateway;
  };
  return {
    upstreamOf,
    gatewayTo,
    /** Also closes this. */
    closeLater: (close: () => Promise<unknown>) => void closing.push(close),
    /** An upstream that plays `onRequest`, and a gateway to it. */
    async open(
      onRequest: ((line: Line) => void) | undefined,
      options: Parameters<typeof openGateway>[1] = {},
      more: TestUpstreamOptions = {},
    ): Promise<Opened> {
      const upstream = await upstreamOf({ play: onRequest === undefined ? {} : { onRequest }, ...more });
      return { upstream, gateway: gatewayTo(upstream.base, options) };
    },
  };
}
