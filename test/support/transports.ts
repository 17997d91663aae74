/** A world behind the HTTP door of this process, asked by raw requests as anybody. */
import type { Headers } from '../../src/pipeline/headers.js';
import { httpApplicationOf, openHttp } from '../../src/transport/http.js';
import { createRest } from '../../src/transport/rest.js';
import { openWire } from './wire.js';
import type { Data, World } from './world.js';

/** One request's end: its result, or the protocol's error. */
export interface Told {
  readonly result?: Data;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Data };
}

export interface OpenDoor {
  readonly url: string;
  /** Sends a request of the protocol, one after the other. */
  ask(headers: Headers, method: string, params?: object): Promise<Told>;
  close(): Promise<void>;
}

/** Opens it on a free port of loopback. */
export async function openDoor({ application }: Pick<World, 'application'>): Promise<OpenDoor> {
  const operations = application.catalogue.entries.map(({ operation }) => operation);
  const rest = createRest({ pipeline: application.pipeline, operations });
  const door = await openHttp(httpApplicationOf(application, rest), {
    host: '127.0.0.1',
    port: 0,
    allowedHosts: [],
    allowedOrigins: [],
    onError: (error) => {
      throw error;
    },
  });
  const wire = openWire(door.url);
  let last: Promise<unknown> = Promise.resolve();
  return {
    url: door.url,
    ask: (headers, method, params = {}) => {
      const told = last.then(async () => toldBy(await wire.send(headers, method, params)));
      last = told.catch(() => undefined);
      return told;
    },
    close: async () => {
      wire.close();
      await door.close();
    },
  };
}

function toldBy(body: string): Told {
  return JSON.parse(body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1)) as Told;
}
