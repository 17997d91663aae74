/** pgbouncer in transaction mode, one beside each PostgreSQL server, as deploy/compose.yaml has them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SERVER_USER } from '../../test/support/postgres-binaries.js';

const PROGRAM = '/usr/sbin/pgbouncer';
const POLL_MS = 20;

export interface Bouncer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts one on the port after the server's own. The role's password is kept in a file that only its user can read. */
export async function startBouncer(serverPort: number, role: string, password: string): Promise<Bouncer> {
  const directory = mkdtempSync(join(tmpdir(), 'g3n-pgbouncer-'));
  const port = serverPort + 1;
  const config = join(directory, 'pgbouncer.ini');
  writeFileSync(join(directory, 'users.txt'), `"${role}" "${password}"\n`, { mode: 0o600 });
  writeFileSync(
    config,
    `[databases]
* = host=127.0.0.1 port=${serverPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${directory}/users.txt
pool_mode = transaction
default_pool_size = 20
max_client_conn = 500
server_connect_timeout = 3
server_login_retry = 1
query_wait_timeout = 10
ignore_startup_parameters = extra_float_digits
`,
  );
  const { uid, gid } = SERVER_USER;
  if (uid !== undefined)
    for (const name of ['', 'users.txt', 'pgbouncer.ini']) chownSync(join(directory, name), uid, gid);
  const bouncer = spawn(PROGRAM, ['-q', config], { ...SERVER_USER, stdio: 'ignore' });
  const kill = () => bouncer.kill('SIGKILL');
  process.once('exit', kill);
  await accepts(port, bouncer);
  return {
    port,
    async stop() {
      process.off('exit', kill);
      const exited = new Promise((resolve) => bouncer.once('exit', resolve));
      if (bouncer.kill('SIGTERM')) await exited;
      rmSync(directory, { recursive: true });
    },
  };
}

async function accepts(port: number, bouncer: ChildProcess): Promise<void> {
  for (;;) {
    if (bouncer.exitCode !== null) throw new Error(`pgbouncer ended: exit code ${bouncer.exitCode}`);
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
      socket.unref();
    });
    if (isOpen) return;
    await sleep(POLL_MS);
  }
}
