/** Checks the ports of a server before there is a database: a server that cannot listen shall leave none. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { ConfigError } from '../config.js';

/** What a server listens on, and the flag of the port. */
export interface Listener {
  readonly flag: string;
  readonly host: string;
  readonly port: number;
}

/** @throws ConfigError when two listeners have one port of one address. */
export function requireDistinct(listeners: readonly Listener[]): void {
  for (const [index, { flag, host, port }] of listeners.entries()) {
    const same = listeners.slice(0, index).find((other) => port !== 0 && other.port === port && other.host === host);
    if (same !== undefined) throw new ConfigError(`${same.flag} and ${flag} are both ${port}: give two ports`);
  }
}

/** Takes all at once: one can be in the way of another. @throws Error that names the flag of one that is taken. */
export async function requireFreePorts(listeners: readonly Listener[]): Promise<void> {
  const servers: Server[] = [];
  try {
    for (const { flag, host, port } of listeners) {
      const server = createServer().listen(port, host);
      await once(server, 'listening').catch(rethrowTaken(flag, port));
      servers.push(server);
    }
  } finally {
    await Promise.all(servers.map(closed));
  }
}

/** @throws Error that names the flag when a port is taken, else what it is given. */
export function rethrowTaken(flag: string, port: number | undefined): (error: unknown) => never {
  return (error) => {
    throw isPortTaken(error) ? new Error(`port ${port} is taken: name another with ${flag}, or 0 for any`) : error;
  };
}

function closed(server: Server): Promise<void> {
  return new Promise((done) => server.close(() => done()));
}

function isPortTaken(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
}
