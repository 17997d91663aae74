/** Sends writes until they are acknowledged, with one idempotency key each, through whichever server runs. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Books } from './books.js';
import { nextOperation, type Operation } from './operations.js';
import type { Random } from './random.js';
import { type Answer, Lost, type Server } from './server.js';

export interface Figures {
  calls: number;
  /** Calls sent again after their server was killed. */
  retries: number;
  /** Answers that a server repeated from its idempotency record. */
  replayed: number;
  /** Answers with 503 or 429, after which the call is sent again. */
  busy: number;
  /** Their error codes, and how often each came. */
  readonly unavailable: Map<string, number>;
  refused: number;
  readonly latencies: number[];
  /** The call that took longest. */
  slowest: { readonly milliseconds: number; readonly call: string };
}

export function newFigures(): Figures {
  const counts = { calls: 0, retries: 0, replayed: 0, busy: 0, refused: 0 };
  return { ...counts, unavailable: new Map(), latencies: [], slowest: { milliseconds: 0, call: 'none' } };
}

/** Notes that a call was answered. */
export function noteAnswer(figures: Figures, milliseconds: number, call: string): void {
  figures.calls += 1;
  figures.latencies.push(milliseconds);
  if (milliseconds > figures.slowest.milliseconds) figures.slowest = { milliseconds, call };
}

/** The servers under load. */
export interface Servers {
  /** A running server, chosen at random; waits while none runs. */
  pick(random: Random): Promise<Server>;
}

/** What all parts of a run share. */
export interface Run {
  readonly cluster: Servers;
  readonly books: Books;
  readonly figures: Figures;
  isOver(): boolean;
}

/** The chance that a write is sent twice at once, through two servers, or again after it was acknowledged. */
const TWICE = { atOnce: 0.02, later: 0.03 };
const MAX_ATTEMPTS = 200;

/** Sends writes one after the other until the run is over. The last one is always acknowledged. */
export async function work(run: Run, random: Random): Promise<void> {
  while (!run.isOver()) await perform(run, nextOperation(run.books, random), random);
}

/** Sends one write until it is acknowledged or refused, and notes it. */
export async function perform(run: Run, operation: Operation, random: Random): Promise<void> {
  const { books } = run;
  const body = { ...operation.body, idempotency_key: operation.mark };
  const copies = random.chance(TWICE.atOnce) ? 2 : 1;
  const [answer, ...others] = await Promise.all(
    Array.from({ length: copies }, () => send(run, operation.path, body, random)),
  );
  if (answer === undefined) return;
  if (random.chance(TWICE.later)) {
    const again = await send(run, operation.path, body, random);
    if (!again.replayed)
      books.fault('replay', `${operation.mark} ${operation.path}: the repeated call was not a replay`);
    others.push(again);
  }
  for (const other of others) requireSame(books, operation, answer, other);
  if (answer.ok) operation.acknowledged(answer);
  else refuse(run, operation, answer);
}

function refuse({ books, figures }: Run, operation: Operation, { code, status, requestId }: Answer): void {
  figures.refused += 1;
  books.refused.add(operation.mark);
  if (!operation.refusals.includes(code))
    books.fault('answer', `${operation.mark} ${operation.path}: ${status} ${code}, request ${requestId}`);
}

function requireSame(books: Books, { mark, path }: Operation, one: Answer, other: Answer): void {
  const [a, b] = [outcome(one), outcome(other)];
  if (a !== b) books.fault('replay', `${mark} ${path}: answered ${a}, and then ${b}`);
}

/** What must be equal in every answer to one key; a card's code is shown once only. */
function outcome({ ok, code, data }: Answer): string {
  if (!ok) return code;
  return JSON.stringify({ ...data, code: null });
}

/** Sends a call until a server answers. @throws Error when none does after many attempts. */
export async function send({ cluster, figures }: Run, path: string, body: object, random: Random): Promise<Answer> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const server = await cluster.pick(random);
    const started = performance.now();
    try {
      const answer = await server.call(path, body);
      noteAnswer(figures, performance.now() - started, `${path} on ${server.name}`);
      if (answer.replayed) figures.replayed += 1;
      if (answer.status !== 503 && answer.status !== 429) return answer;
      figures.busy += 1;
      figures.unavailable.set(answer.code, (figures.unavailable.get(answer.code) ?? 0) + 1);
      await sleep(50);
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      figures.retries += 1;
      await sleep(10);
    }
  }
  throw new Error(`${path}: no server answered in ${MAX_ATTEMPTS} attempts`);
}
