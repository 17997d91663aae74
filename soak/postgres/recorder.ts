/** Sends calls about one balance and records when each was sent and answered, as soak/history-checker.ts reads it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call, Answer as Recorded, Request } from '../history-checker.js';
import type { Random } from '../random.js';
import { type Answer, Lost } from '../server.js';
import type { SoakRun } from '../soak-run.js';
import { noteAnswer } from '../worker.js';

/** Whose balance is recorded: a customer's points, or a gift card. */
export interface Subject {
  readonly kind: 'points' | 'card';
  /** Known when it was created. */
  id: string;
  readonly calls: OpenCall[];
}

interface OpenCall extends Call {
  answered?: { readonly at: number; readonly answer: Recorded } | undefined;
}

interface Sent {
  readonly subject: Subject;
  readonly path: string;
  readonly body: object;
}

/** The chance that a change without an answer is sent again, sent twice at once, or sent again after its answer. */
const RETRY = { lost: 0.8, atOnce: 0.03, later: 0.05 };
const TOO_LOW = ['crm.loyalty_insufficient_points', 'crm.giftcard_insufficient_balance', 'crm.giftcard_exhausted'];
const PAUSE_MS = 20;

export class Recorder {
  readonly #run: SoakRun;
  #tick = 0;
  #recorded = 0;

  constructor(run: SoakRun) {
    this.#run = run;
  }

  /** The calls that were recorded. */
  get recorded(): number {
    return this.#recorded;
  }

  /** Sends a read until it is answered. */
  async read(sent: Sent, random: Random): Promise<void> {
    while ((await this.#attempt(sent, { kind: 'read' }, random)) === undefined) await sleep(PAUSE_MS);
  }

  /**
   * Sends a change under a key of its own. Returns the answer; undefined when none came and it was given up.
   * @param mustEnd send it until it is answered
   */
  async change(sent: Sent, by: number, random: Random, mustEnd = false): Promise<Answer | undefined> {
    const key = this.#run.books.newMark();
    const request = { kind: 'change', key, by } as const;
    const keyed = { ...sent, body: { ...sent.body, reason: key, idempotency_key: key } };
    const send = async () => {
      for (;;) {
        const answer = await this.#attempt(keyed, request, random);
        if (answer !== undefined || !(mustEnd || random.chance(RETRY.lost))) return answer;
        await sleep(PAUSE_MS);
      }
    };
    const [answer] = await Promise.all(random.chance(RETRY.atOnce) ? [send(), send()] : [send()]);
    if (answer !== undefined && random.chance(RETRY.later)) await send();
    return answer;
  }

  /** Sends a call once. Returns undefined if it was not answered, or nothing was done. */
  async #attempt({ subject, path, body }: Sent, request: Request, random: Random): Promise<Answer | undefined> {
    const { cluster, figures, books } = this.#run;
    const server = await cluster.pick(random);
    const call: OpenCall = { request, sentAt: this.#next() };
    subject.calls.push(call);
    this.#recorded += 1;
    const started = performance.now();
    let answer: Answer;
    try {
      answer = await server.call(path, body);
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      figures.retries += 1;
      return undefined;
    }
    noteAnswer(figures, performance.now() - started, `${path} on ${server.name}`);
    if (answer.replayed) figures.replayed += 1;
    if (answer.isUnknown) return undefined;
    if (answer.status === 503 || answer.status === 429) {
      figures.busy += 1;
      figures.unavailable.set(answer.code, (figures.unavailable.get(answer.code) ?? 0) + 1);
      subject.calls.splice(subject.calls.indexOf(call), 1); // it says that nothing was done
      return undefined;
    }
    if (!answer.ok) figures.refused += 1;
    const recorded = read(path, answer);
    if (recorded === undefined) books.fault('answer', `${path}: ${answer.status} ${answer.code}`);
    else call.answered = { at: this.#next(), answer: recorded };
    return answer;
  }

  #next(): number {
    this.#tick += 1;
    return this.#tick;
  }
}

/** What an answer says about the balance; undefined: it is no answer that the path may have. */
function read(path: string, { ok, code, data, replayed }: Answer): Recorded | undefined {
  if (!ok) return TOO_LOW.includes(code) ? { kind: 'refused', replayed } : undefined;
  switch (path) {
    case '/customer/get':
      return { kind: 'read', balance: data.loyalty.points_balance };
    case '/loyalty/ledger/list':
      return { kind: 'read', balance: data.points_balance, newest: data.items[0]?.loyalty_txn_id };
    case '/giftcard/get':
      return { kind: 'read', balance: data.balance, newest: data.transactions[0]?.giftcard_txn_id };
    case '/giftcard/issue':
    case '/giftcard/redeem': {
      const { giftcard_txn_id: entry, balance_after } = data.txn;
      return balance_after === data.balance ? { kind: 'done', entry, balance: data.balance, replayed } : undefined;
    }
    default:
      return { kind: 'done', entry: data.loyalty_txn_id, balance: data.balance_after, replayed };
  }
}
