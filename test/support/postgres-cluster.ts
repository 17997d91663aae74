/** PostgreSQL clusters for tests: each on a free port of 127.0.0.1, with its data in a temporary directory. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import {
  appendFileSync,
  chownSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { postgresBinaries, SERVER_USER } from './postgres-binaries.js';
import { endDirectory, holdDirectory, killCluster } from './postgres-guardian-client.js';

type Settings = Readonly<Record<string, string | number>>;

/** `fast` loses commits if a process crashes; `durable` does not, and can have standbys. */
export type Profile = 'fast' | 'durable';

const PROFILES: Readonly<Record<Profile, Settings>> = {
  fast: {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    wal_level: 'minimal',
    max_wal_senders: 0,
    max_wal_size: '256MB',
    checkpoint_timeout: '1h',
    shared_buffers: '32MB',
    max_connections: 200,
    autovacuum: 'off',
  },
  durable: { wal_retrieve_retry_interval: '500ms', shared_buffers: '32MB', max_connections: 100 },
};

/** Below the ports of outgoing connections, so that none of these takes the port of a server that is stopped. */
const PORTS = [20_000, 32_000] as const;
const START_MS = 30_000;
const POLL_MS = 5;
const SUPERUSER = 'postgres';
/** Nothing of the caller's environment: PGHOST, PGPORT and others would change what the programs do. */
const ENVIRONMENT = { PATH: process.env.PATH ?? '', LC_ALL: 'C' };
/** A file may be removed while its directory is copied. */
const VANISHED = /No such file or directory/;
const run = promisify(execFile);

/**
 * Creates and starts a cluster: UTF-8, locale C, passwords checked with SCRAM. Its directory is made in `parent`. Call
 * `remove` in the end.
 */
export async function openCluster(profile: Profile, settings: Settings = {}, parent = tmpdir()): Promise<Cluster> {
  const { initdb } = await postgresBinaries();
  const directory = await newDirectory(parent);
  const password = randomBytes(16).toString('hex');
  const passwordFile = join(directory, 'password');
  writeForServer(passwordFile, password);
  const data = join(directory, 'data');
  const encoding = ['--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'];
  const access = [`--username=${SUPERUSER}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
  await run(initdb, ['-D', data, ...encoding, ...access], { ...SERVER_USER, cwd: directory, env: ENVIRONMENT });
  rmSync(passwordFile);
  const cluster = new Cluster(directory, password, await freePort());
  const loopback = { listen_addresses: '127.0.0.1', unix_socket_directories: '' };
  await cluster.configure({ ...loopback, ...PROFILES[profile], ...settings });
  await cluster.start();
  return cluster;
}

/** One server with its data. Its operating-system processes end with this process, and its directory goes with them. */
export class Cluster {
  private server: ChildProcess | undefined;
  private readonly synchronous: string[] = [];

  constructor(
    readonly directory: string,
    readonly password: string,
    readonly port: number,
  ) {}

  get data(): string {
    return join(this.directory, 'data');
  }

  /** Everything that the server logged. */
  get log(): string {
    return readFileSync(join(this.directory, 'log'), 'utf8');
  }

  /** The URL of a database as the superuser. */
  url(database = 'postgres'): string {
    return `postgres://${SUPERUSER}:${this.password}@127.0.0.1:${this.port}/${database}`;
  }

  /** Runs one statement as the superuser and returns its rows. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read columns of rows they do not type
  async query(sql: string, database?: string): Promise<any[]> {
    const client = new pg.Client(this.url(database));
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** Changes settings: at once if the server is running, except those that need a restart. */
  async configure(settings: Settings): Promise<void> {
    const lines = Object.entries(settings).map(
      ([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`,
    );
    appendFileSync(join(this.data, 'postgresql.conf'), lines.join(''));
    if (this.server !== undefined) await this.query('SELECT pg_reload_conf()');
  }

  /** Starts the server and returns when it accepts connections: as a standby, those that read. */
  async start(): Promise<void> {
    const { postgres } = await postgresBinaries();
    const log = openSync(join(this.directory, 'log'), 'a');
    const server = spawn(postgres, ['-D', this.data, '-p', String(this.port)], {
      ...SERVER_USER,
      cwd: this.directory,
      env: ENVIRONMENT,
      stdio: ['ignore', log, log],
      detached: true, // Ctrl-C ends the tests, which end the server
    });
    closeSync(log);
    server.unref();
    server.once('exit', () => {
      this.server = undefined;
    });
    this.server = server;
    const deadline = Date.now() + START_MS;
    while (!this.ready()) {
      if (this.server === undefined || Date.now() > deadline)
        throw new Error(`PostgreSQL does not start:\n${this.log}`);
      await sleep(POLL_MS);
    }
  }

  /** Stops the server. `fast` rolls back what is open; `immediate` leaves recovery to the next start. */
  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await this.exit(() => this.server?.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT'));
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Kills the postmaster and all its children at once (SIGKILL), as the failure of its machine would. */
  async kill(): Promise<void> {
    await this.exit(() => killCluster(this.data));
  }

  /** Makes a standby the primary, with no standby to wait for, and returns when it accepts writes. */
  async promote(): Promise<void> {
    await this.configure({ synchronous_standby_names: '' });
    const [row] = await this.query('SELECT pg_promote() AS promoted');
    if (row?.promoted !== true) throw new Error(`PostgreSQL was not promoted:\n${this.log}`);
  }

  /**
   * Creates and starts a standby, whose name must be unique, while this server runs. Afterwards, each of this server's
   * commits waits until a standby has it. `port`: that of a server which is gone; default: a free one.
   */
  async standby(name = 'standby', port?: number): Promise<Cluster> {
    const directory = await newDirectory(dirname(this.directory));
    const standby = new Cluster(directory, this.password, port ?? (await freePort()));
    await this.backUp(standby.data);
    const { password } = this;
    const source = `host=127.0.0.1 port=${this.port} user=${SUPERUSER} password=${password} application_name=${name}`;
    await standby.configure({ primary_conninfo: source });
    writeForServer(join(standby.data, 'standby.signal'), '');
    await standby.start();
    this.synchronous.push(name);
    await this.configure({ synchronous_standby_names: `FIRST 1 (${this.synchronous.join(', ')})` });
    const inStep = `SELECT 1 FROM pg_stat_replication WHERE application_name = '${name}' AND sync_state <> 'async'`;
    const deadline = Date.now() + START_MS;
    while ((await this.query(inStep)).length === 0) {
      if (Date.now() > deadline) throw new Error(`the standby does not replicate:\n${standby.log}`);
      await sleep(POLL_MS);
    }
    return standby;
  }

  /** Ends the server, however it is, and removes its directory. */
  async remove(): Promise<void> {
    await this.exit(() => endDirectory(this.directory));
  }

  /** Copies the data of the running server to a new directory (PostgreSQL's low-level interface for base backups). */
  private async backUp(target: string): Promise<void> {
    const client = new pg.Client(this.url());
    await client.connect();
    try {
      await client.query(`SELECT pg_backup_start('standby', fast => true)`);
      const copied = await run('cp', ['-Rp', this.data, target], { ...SERVER_USER, env: ENVIRONMENT }).catch(
        ({ stderr }: { stderr: string }) => ({ stderr }),
      );
      const failures = copied.stderr.split('\n').filter((line) => line !== '' && !VANISHED.test(line));
      if (failures.length > 0) throw new Error(failures.join('\n'));
      const { rows } = await client.query('SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)');
      writeForServer(join(target, 'backup_label'), rows[0].labelfile);
      rmSync(join(target, 'postmaster.pid'), { force: true });
    } finally {
      await client.end();
    }
  }

  private async exit(end: () => unknown): Promise<void> {
    const { server } = this;
    server?.ref();
    const exited = server && new Promise((resolve) => server.once('exit', resolve));
    await end();
    await exited;
  }

  /** Whether the running server has written that it is ready. The file's first line is its process id. */
  private ready(): boolean {
    const file = join(this.data, 'postmaster.pid');
    if (!existsSync(file)) return false;
    const lines = readFileSync(file, 'utf8').split('\n');
    return Number(lines[0]) === this.server?.pid && ['ready', 'standby'].includes(lines[7]?.trim() ?? '');
  }
}

/** Creates a directory for a cluster, which ends with this process. */
async function newDirectory(parent: string): Promise<string> {
  const { postgres } = await postgresBinaries();
  const directory = mkdtempSync(join(parent, 'g3n-postgres-'));
  await holdDirectory(directory, { postgres, user: SERVER_USER });
  if (SERVER_USER.uid !== undefined) chownSync(directory, SERVER_USER.uid, SERVER_USER.gid);
  return directory;
}

/** Writes a file that only the server's user may read and change. */
function writeForServer(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
  if (SERVER_USER.uid !== undefined) chownSync(path, SERVER_USER.uid, SERVER_USER.gid);
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(...PORTS);
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer().once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
}
