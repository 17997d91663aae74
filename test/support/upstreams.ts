/** Opens test upstreams and gateways to them, and closes them after each test. */
import { afterEach } from 'vitest';
import { type GatewayWorld, openGateway } from './gateway.js';
import { type Exchange, openUpstream, type TestUpstream, type TestUpstreamOptions } from './upstream.js';

export interface Opened {
  readonly upstream: TestUpstream;
  readonly gateway: GatewayWorld;
}

/** Call at the top of a test file: everything opened with the returned functions is closed after each test. */
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
    /** Registers another resource to close after the test. */
    closeLater: (close: () => Promise<unknown>) => void closing.push(close),
    /** Opens an upstream that handles requests with `onRequest`, and a gateway to it. */
    async open(
      onRequest: ((exchange: Exchange) => void) | undefined,
      options: Parameters<typeof openGateway>[1] = {},
      more: TestUpstreamOptions = {},
    ): Promise<Opened> {
      const upstream = await upstreamOf({ behaviour: onRequest === undefined ? {} : { onRequest }, ...more });
      return { upstream, gateway: gatewayTo(upstream.base, options) };
    },
  };
}
