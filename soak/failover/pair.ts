/** A primary and a synchronous standby: the primary is killed, the standby promoted, and a new standby made of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, openCluster } from '../../test/support/postgres-cluster.js';
import { createDatabase, DATABASE, ROLE } from '../postgres/soak-database.js';
import { type Bouncer, startBouncer } from './pgbouncer.js';

/**
 * What is held up just before the primary is killed, so that commits are under way which nobody was told of:
 * - `sending`: the primary sends nothing more. Such commits are lost with it, so none may be acknowledged.
 * - `confirming`: the standby takes what is sent and does not say so. Such commits outlive the primary.
 */
export type HoldUp = 'none' | 'sending' | 'confirming';

const HOLD_MS = 150;
const POLL_MS = 5;
/** After the kill: what the dead server still sent has been read by now. */
const SETTLE_MS = 20;

export class Pair {
  readonly #isSynchronous: boolean;
  #primary: Cluster;
  #standby: Cluster;
  #standbys = 1;
  #bouncers: readonly Bouncer[] = [];

  private constructor(primary: Cluster, standby: Cluster, isSynchronous: boolean) {
    this.#primary = primary;
    this.#standby = standby;
    this.#isSynchronous = isSynchronous;
  }

  /** @param isSynchronous false: the primary acknowledges what the standby does not have yet */
  static async open(isSynchronous: boolean, directory?: string): Promise<Pair> {
    const primary = await openCluster('durable', { max_connections: 200 }, directory);
    await createDatabase(primary);
    const pair = new Pair(primary, await primary.standby('standby1'), isSynchronous);
    await pair.#setSynchronous();
    return pair;
  }

  /** The URL of both servers, whichever is the primary. */
  get url(): string {
    return this.#url([this.#primary.port, this.#standby.port], '');
  }

  /** Starts a pgbouncer beside each server. Returns the URL of both. */
  async startBouncers(): Promise<string> {
    const { password } = this.#primary;
    const ports = [this.#primary.port, this.#standby.port];
    this.#bouncers = await Promise.all(ports.map((port) => startBouncer(port, ROLE, password)));
    const bouncers = this.#bouncers.map(({ port }) => port);
    return this.#url(bouncers, '&prepared_statements=off');
  }

  /** Kills the primary with SIGKILL, while something is held up. */
  async killPrimary(holdUp: HoldUp): Promise<void> {
    const held = await this.#hold(holdUp);
    if (held !== undefined) await sleep(HOLD_MS);
    await this.#primary.kill();
    if (held !== undefined && holdUp === 'confirming') await this.#letRead(held);
    await sleep(SETTLE_MS);
  }

  /** Returns when the standby takes writes. */
  async promote(): Promise<void> {
    await this.#standby.promote();
  }

  /** Makes a new standby of the promoted one, at the address of the server that was killed. */
  async renewStandby(): Promise<void> {
    const { port } = this.#primary;
    await this.#primary.remove();
    this.#primary = this.#standby;
    this.#standbys += 1;
    this.#standby = await this.#primary.standby(`standby${this.#standbys}`, port);
    await this.#setSynchronous();
  }

  async remove(): Promise<void> {
    await Promise.all(this.#bouncers.map((bouncer) => bouncer.stop()));
    await Promise.all([this.#primary.remove(), this.#standby.remove()]);
  }

  #url(ports: readonly number[], options: string): string {
    const hosts = ports.map((port) => `127.0.0.1:${port}`).join(',');
    const { password } = this.#primary;
    return `postgres://${ROLE}:${password}@${hosts}/${DATABASE}?target_session_attrs=read-write&pool_size=10${options}`;
  }

  async #setSynchronous(): Promise<void> {
    if (!this.#isSynchronous) await this.#primary.configure({ synchronous_standby_names: '' });
  }

  /** Stops the process that sends or the one that confirms. Returns its id. */
  async #hold(holdUp: HoldUp): Promise<number | undefined> {
    if (holdUp === 'none') return undefined;
    const [server, view] =
      holdUp === 'sending'
        ? ([this.#primary, 'pg_stat_replication'] as const)
        : ([this.#standby, 'pg_stat_wal_receiver'] as const);
    const [row] = await server.query(`SELECT pid FROM ${view}`);
    if (row === undefined) throw new Error(`${view} is empty: the standby does not replicate`);
    process.kill(row.pid, 'SIGSTOP');
    return row.pid;
  }

  /** Lets the standby read what the primary had sent, until it sees that the primary is gone. */
  async #letRead(receiver: number): Promise<void> {
    process.kill(receiver, 'SIGCONT');
    while (isRunning(receiver)) await sleep(POLL_MS);
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
