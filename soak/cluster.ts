/** Server processes on one database; one of them is killed every few seconds. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JumpingClock } from './clock.js';
import type { Random } from './random.js';
import type { Server } from './server.js';
import type { Servers } from './worker.js';

const DOWN_MS = { least: 0, most: 800 };
/** The chance, at each kill, that a clock jumps an hour ahead or comes back. */
const JUMP = 0.4;

/** Between two kills. */
export interface Pause {
  readonly least: number;
  readonly most: number;
}

export class Cluster implements Servers {
  kills = 0;
  starts = 0;
  jumps = 0;
  readonly servers: readonly Server[];
  readonly #clock: JumpingClock | undefined;
  readonly #killEveryMs: Pause;

  /** @param clock of one of the servers */
  constructor(servers: readonly Server[], clock?: JumpingClock, killEveryMs: Pause = { least: 1500, most: 4000 }) {
    this.servers = servers;
    this.#clock = clock;
    this.#killEveryMs = killEveryMs;
  }

  async start(): Promise<void> {
    await Promise.all(this.servers.map((server) => this.#start(server)));
  }

  async pick(random: Random): Promise<Server> {
    for (;;) {
      const server = random.pick(this.servers.filter(({ running }) => running));
      if (server !== undefined) return server;
      await sleep(20);
    }
  }

  /** Kills and restarts servers until `isOver`. @throws Error when one ended by itself, or does not start again. */
  async disturb(random: Random, isOver: () => boolean): Promise<void> {
    let ahead = false;
    while (!isOver()) {
      await sleep(random.between(this.#killEveryMs.least, this.#killEveryMs.most));
      const server = random.pick(this.servers);
      if (server === undefined || isOver()) return;
      if (!server.running) throw new Error(`${server.name} ended by itself\n${server.log()}`);
      if (this.#clock !== undefined && random.chance(JUMP)) {
        ahead = !ahead;
        this.#clock.set(ahead ? '+1h' : '+0');
        this.jumps += 1;
      }
      await server.end('SIGKILL');
      this.kills += 1;
      await sleep(random.between(DOWN_MS.least, DOWN_MS.most));
      await this.#start(server);
    }
  }

  /** Ends the servers that run, as an operator does. Returns the exit codes by name. */
  async stop(): Promise<ReadonlyMap<string, number | null>> {
    const running = this.servers.filter((server) => server.running);
    const codes = await Promise.all(running.map((server) => server.end('SIGTERM')));
    return new Map(running.map(({ name }, index) => [name, codes[index] ?? null]));
  }

  killAll(): void {
    for (const server of this.servers) void server.end('SIGKILL');
  }

  async #start(server: Server): Promise<void> {
    try {
      await server.start();
    } catch (error) {
      throw new Error(`${server.name}: ${(error as Error).message}\n${server.log()}`);
    }
    this.starts += 1;
  }
}
