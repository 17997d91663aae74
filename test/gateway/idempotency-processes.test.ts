/** Several processes share one gateway database, and one is killed: each idempotency key is still sent only once. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openGatewayDb } from '../../src/gateway/gateway-db.js';
import { cleanEnvironment } from '../support/program.js';
import { callOf, DEADLINE_MS, openGateway, rowsOf } from '../support/sending.js';

const CHILD = resolve('test/support/send-once-process.ts');
let directory: string;
let path: string;
const children: Child[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'g3n-gateway-'));
  path = join(directory, 'gateway.db');
});
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.kill()));
  rmSync(directory, { recursive: true, force: true });
});

interface Child {
  readonly process: ChildProcessWithoutNullStreams;
  /** Every line printed so far. */
  lines(): readonly string[];
  /** Resolves when as many lines as `count` match. */
  printed(pattern: RegExp, count?: number): Promise<readonly string[]>;
  kill(): Promise<void>;
}

function start(upstream: 'answers' | 'hangs'): Child {
  const process_ = spawn(process.execPath, ['--import', 'tsx', CHILD, path, upstream], { env: cleanEnvironment() });
  let output = '';
  let errors = '';
  const ended = new Promise<void>((done) => process_.once('close', () => done()));
  process_.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  process_.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  process_.stdin.on('error', () => {});
  const lines = () => output.split('\n').slice(0, -1);
  const child: Child = {
    process: process_,
    lines,
    printed: (pattern, count = 1) =>
      new Promise((found, failed) => {
        const look = () => {
          const matching = lines().filter((line) => pattern.test(line));
          if (matching.length >= count) found(matching);
        };
        process_.stdout.on('data', look);
        look();
        void ended.then(() => failed(new Error(`ended without ${count} × ${pattern}\n${output}\n${errors}`)));
      }),
    kill: async () => {
      process_.kill('SIGKILL');
      await ended;
    },
  };
  children.push(child);
  return child;
}

const starting = (child: Child) => child.printed(/^ready$/);

test('a call whose process was killed before the response is not sent again: its outcome is unknown', async () => {
  const child = start('hangs');
  await starting(child);
  child.process.stdin.write('paid\n');
  await child.printed(/^sent paid$/);
  await child.kill();

  const db = openGatewayDb({ path });
  const gateway = openGateway(db);
  const input = { points: 5, idempotency_key: 'paid' };
  const beforeDeadline = await gateway.errorOf(callOf(input));
  expect(beforeDeadline).toMatchObject({
    code: 'crm.gateway_timeout',
    retryable: true,
    details: { outcome: 'unknown' },
  });
  gateway.now += Number(beforeDeadline.details?.retry_after_ms) + 1;
  expect(await gateway.errorOf(callOf(input))).toMatchObject({
    code: 'crm.gateway_timeout',
    status: 504,
    retryable: false,
    details: { outcome: 'unknown', first_request_id: expect.any(String), first_sent_at: expect.any(String) },
  });
  expect(gateway.sent).toBe(0);
  await db.close();
});

test('a call whose process was killed after the response is answered from the stored response', async () => {
  const child = start('answers');
  await starting(child);
  child.process.stdin.write('paid\n');
  await child.printed(/^answered paid/);
  await child.kill();

  const db = openGatewayDb({ path });
  const gateway = openGateway(db);
  const { envelope } = await gateway.call(callOf({ points: 5, idempotency_key: 'paid' }));
  expect(envelope).toMatchObject({ data: { process: child.process.pid }, stats: { idempotent_replay: true } });
  expect(gateway.sent).toBe(0);
  await db.close();
});

test('four processes that create a database together and race for the same 40 keys send each key once', {
  timeout: 120_000,
}, async () => {
  const processes = [start('answers'), start('answers'), start('answers'), start('answers')];
  await Promise.all(processes.map(starting));
  const keys = Array.from({ length: 40 }, (_, n) => `key-${n}`);
  for (const child of processes) child.process.stdin.write(`${keys.join('\n')}\n`);
  await Promise.all(processes.map((child) => child.printed(/^(answered|refused)/, keys.length)));

  const all = processes.flatMap((child) => child.lines());
  expect(all.filter((line) => line.startsWith('sent')).sort()).toEqual(keys.map((key) => `sent ${key}`).sort());
  for (const line of all.filter((line) => line.startsWith('refused'))) expect(line).toMatch(/crm.gateway_timeout$/);
  for (const key of keys) expect(all.some((line) => line.startsWith(`answered ${key} `))).toBe(true);
  expect(rowsOf(path, 'SELECT COUNT(*) AS n FROM receipt')).toEqual([{ n: keys.length }]);
  expect(rowsOf(path, 'SELECT COUNT(*) AS n FROM server_key')).toEqual([{ n: 1 }]);
});

test('the late response of a stalled process is stored and returned to later calls with the key', async () => {
  const child = start('answers');
  await starting(child);
  const db = openGatewayDb({ path });
  const slow = openGateway(db);
  let answer: () => void = () => {};
  const { upstream } = slow;
  slow.upstream = async (performance, number) => {
    await new Promise<void>((done) => {
      answer = done;
    });
    return upstream(performance, number);
  };
  slow.now -= DEADLINE_MS + 6000; // as if the process had been asleep since
  const stalledCall = slow.call(callOf({ points: 5, idempotency_key: 'late' }));
  await db.write(() => {});
  child.process.stdin.write('late\n');
  expect(await child.printed(/^refused late/)).toEqual(['refused late crm.gateway_timeout']);
  answer();
  await stalledCall;
  child.process.stdin.write('late\n');
  const [line = ''] = await child.printed(/^answered late/);
  expect(JSON.parse(line.slice('answered late '.length))).toMatchObject({ stats: { idempotent_replay: true } });
  expect(child.lines().some((text) => text.startsWith('sent'))).toBe(false);
  await db.close();
});
