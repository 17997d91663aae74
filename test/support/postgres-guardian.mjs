/**
 * Ends PostgreSQL clusters and removes their directories: on request, and when the process that started this one is
 * gone, however it went (its end of the pipe closes). Reads one JSON object a line from standard input,
 * `{id, task, directory}`, and answers `{id, error?}`. Plain JavaScript, because it must start fast.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const EXIT_MS = 10_000;
const POLL_MS = 10;

/** Directories to end, each with the clusters' data directories below it. @type {Map<string, object>} */
const held = new Map();

const TASKS = {
  hold: ({ directory, ...server }) => void held.set(directory, server),
  kill: ({ directory }) => killAll(directory),
  end: async ({ directory }) => {
    await end(directory);
    held.delete(directory);
  },
};

process.stdout.on('error', () => {}); // nobody reads the answers any more
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {}); // only the pipe counts

const pending = new Set();
for await (const line of createInterface({ input: process.stdin })) {
  const done = answer(JSON.parse(line)).finally(() => pending.delete(done));
  pending.add(done);
}
await Promise.allSettled(pending);
await Promise.allSettled([...held.keys()].map((directory) => end(directory)));

async function answer({ id, task, ...about }) {
  try {
    await TASKS[task](about);
    reply({ id });
  } catch (error) {
    reply({ id, error: String(error) });
  }
}

function reply(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function end(directory) {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) {
    const data = join(directory, name);
    if (existsSync(join(data, 'PG_VERSION'))) await endCluster(data, held.get(directory) ?? {});
  }
  rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

async function endCluster(data, { postgres, user }) {
  const pid = postmasterOf(data);
  if (pid !== undefined) {
    process.kill(pid, 'SIGQUIT');
    const deadline = Date.now() + EXIT_MS;
    while (postmasterOf(data) === pid && Date.now() < deadline) await sleep(POLL_MS);
    killAll(data);
  }
  // A killed server leaves shared memory behind. This finds and frees it, starts nothing and exits.
  if (postgres !== undefined && existsSync(join(data, 'postmaster.pid')))
    execFileSync(postgres, ['--check', '-D', data], { ...user, cwd: data, stdio: 'ignore' });
}

/** Kills a server at once, as a failing machine would: the postmaster and all its children. */
function killAll(data) {
  const pid = postmasterOf(data);
  if (pid === undefined) return;
  process.kill(pid, 'SIGSTOP'); // it starts no new children
  for (const child of childrenOf(pid)) killOne(child);
  killOne(pid);
}

function killOne(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it exited in the meantime
  }
}

/** Returns the process of a running server, or undefined. The file may be old and its process id someone else's. */
function postmasterOf(data) {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  return commandOf(pid).includes(data) ? pid : undefined;
}

function commandOf(pid) {
  try {
    if (existsSync('/proc/self/cmdline')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return ''; // no such process
  }
}

function childrenOf(parent) {
  return parents()
    .filter(([, ppid]) => ppid === parent)
    .map(([pid]) => pid);
}

/** Returns pairs of a process and its parent. @returns {number[][]} */
function parents() {
  if (!existsSync('/proc/self/stat'))
    return execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number));
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        return [[Number(pid), Number(stat.slice(stat.lastIndexOf(')') + 1).split(' ')[2])]];
      } catch {
        return []; // it exited in the meantime
      }
    });
}
