/** A fixture for tests over HTTP: transports and streams that are closed when the tests end. */
import { afterAll, afterEach } from 'vitest';
import type { Headers } from '../../src/pipeline/headers.js';
import type { HttpOptions, HttpTransport } from '../../src/transport/http.js';
import { openSessionTransport, openStream, type Stream } from './sessions.js';
import type { World } from './world.js';

/** Opens transports over a world's application. Call it after `useWorld`, so that they close before the world does. */
export function useTransports(world: World, defaults: Partial<HttpOptions> = {}) {
  const transports: HttpTransport[] = [];
  /** Dropped after each test. */
  const streams: Stream[] = [];
  afterEach(() => {
    for (const stream of streams.splice(0)) stream.drop();
  });
  afterAll(() => Promise.all(transports.map((transport) => transport.close())));
  const open = async (options: Partial<HttpOptions> = {}, application = world.application): Promise<HttpTransport> => {
    const transport = await openSessionTransport(application, { ...defaults, ...options });
    transports.push(transport);
    return transport;
  };
  const listen = async (url: string, headers: Headers): Promise<Stream> => {
    const stream = await openStream(url, { headers });
    streams.push(stream);
    return stream;
  };
  return { streams, open, listen };
}
