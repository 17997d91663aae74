/**
 * Many callers on the points of one customer and on one gift card at a time, through servers that are killed: what they
 * were told must be what one server could have told them. See soak/history-checker.ts.
 */
import { Books } from '../books.js';
import { historyFaults, type LedgerEntry } from '../history-checker.js';
import { createRandom, type Random } from '../random.js';
import { disturbed, newRun, type SoakRun } from '../soak-run.js';
import { send } from '../worker.js';
import { Recorder, type Subject } from './recorder.js';
import type { StartedServers } from './servers.js';
import type { SoakDatabase } from './soak-database.js';

export interface HistoryOptions {
  readonly callers: number;
  /** The recording ends after so many calls and so many kills. */
  readonly calls: number;
  readonly kills: number;
  readonly seed: number;
}

export interface HistoryRun extends SoakRun {
  readonly seconds: number;
  readonly recorded: number;
  readonly cards: number;
}

const CARD_AMOUNT = 1000;
/** The chance that a caller who finds a card too low issues the next one. */
const NEXT_CARD = 0.1;

interface Recording {
  readonly recorder: Recorder;
  readonly points: Subject;
  /** The last one is in use. */
  readonly cards: Subject[];
  /** Redemptions that may be given back, each once. */
  readonly redemptions: { readonly id: string; readonly points: number }[];
}

/** Records calls, and checks the history of each balance against its ledger in the database. */
export async function recordOneBalance(
  { cluster, database }: StartedServers,
  { callers, calls, kills, seed }: HistoryOptions,
): Promise<HistoryRun> {
  const random = createRandom(seed);
  const killsBefore = cluster.kills;
  let recorded = 0;
  const isOver = () => recorded >= calls && cluster.kills - killsBefore >= kills;
  const run = newRun(cluster, isOver, new Books('history'));
  const recorder = new Recorder(run);
  const { data } = await send(run, '/customer/create', { customer: { caption: 'One' } }, random);
  const points: Subject = { kind: 'points', id: data.customer_id, calls: [] };
  const recording: Recording = { recorder, points, cards: [], redemptions: [] };
  await issueCard(recording, random);
  const caller = async (chooser: Random) => {
    while (!run.isOver()) {
      await next(recording, chooser);
      recorded = recorder.recorded;
    }
  };
  const fork = () => createRandom(random.between(1, 2 ** 31));
  const seconds = await disturbed(
    run,
    random,
    Array.from({ length: callers }, () => caller(fork())),
  );
  for (const subject of [points, ...recording.cards])
    for (const fault of historyFaults(subject.calls, await ledgerOf(database, subject)))
      run.books.fault('history', `${subject.kind}: ${fault}`);
  return { ...run, seconds, recorded, cards: recording.cards.length };
}

/** Sends one call, chosen by weight. */
async function next(recording: Recording, random: Random): Promise<void> {
  const at = random.between(1, 100);
  if (at <= 40) await readSomething(recording, random);
  else if (at <= 58) await earn(recording, random);
  else if (at <= 78) await redeem(recording, random);
  else if (at <= 82) await restore(recording, random);
  else await redeemCard(recording, random);
}

async function readSomething({ recorder, points, cards }: Recording, random: Random): Promise<void> {
  const card = cards.at(-1);
  const reads = [
    { subject: points, path: '/customer/get', body: { customer_id: points.id } },
    { subject: points, path: '/loyalty/ledger/list', body: { customer_id: points.id, limit: 1 } },
    ...(card === undefined ? [] : [{ subject: card, path: '/giftcard/get', body: { giftcard_id: card.id } }]),
  ];
  const chosen = random.pick(reads);
  if (chosen !== undefined) await recorder.read(chosen, random);
}

async function earn({ recorder, points: subject }: Recording, random: Random): Promise<void> {
  const points = random.between(1, 20);
  await recorder.change({ subject, path: '/loyalty/earn', body: { customer_id: subject.id, points } }, points, random);
}

async function redeem({ recorder, points: subject, redemptions }: Recording, random: Random): Promise<void> {
  const points = random.between(1, 25);
  const sent = { subject, path: '/loyalty/redeem', body: { customer_id: subject.id, points } };
  const answer = await recorder.change(sent, -points, random);
  if (answer?.ok) redemptions.push({ id: answer.data.loyalty_txn_id, points });
}

async function restore({ recorder, points: subject, redemptions }: Recording, random: Random): Promise<void> {
  const redemption = redemptions.shift();
  if (redemption === undefined) return;
  const sent = { subject, path: '/loyalty/restore', body: { loyalty_txn_id: redemption.id } };
  await recorder.change(sent, redemption.points, random);
}

async function redeemCard(recording: Recording, random: Random): Promise<void> {
  const { recorder, cards } = recording;
  const subject = cards.at(-1);
  if (subject === undefined) return;
  const amount = random.between(1, 20);
  const body = { giftcard_id: subject.id, amount, currency: 'USD' };
  const answer = await recorder.change({ subject, path: '/giftcard/redeem', body }, -amount, random);
  if (answer?.ok === false && random.chance(NEXT_CARD)) await issueCard(recording, random);
}

async function issueCard({ recorder, points, cards }: Recording, random: Random): Promise<void> {
  const subject: Subject = { kind: 'card', id: '', calls: [] };
  const body = { amount: CARD_AMOUNT, currency: 'USD', customer_id: points.id };
  const answer = await recorder.change({ subject, path: '/giftcard/issue', body }, CARD_AMOUNT, random, true);
  subject.id = answer?.data.giftcard_id;
  cards.push(subject);
}

/** A ledger as it is in the database, in its order. */
async function ledgerOf(database: SoakDatabase, { kind, id }: Subject): Promise<LedgerEntry[]> {
  const sql =
    kind === 'points'
      ? `SELECT loyalty_txn_id AS id, reason AS key, points AS by, balance_after AS balance FROM loyalty_txn
          WHERE customer_id = '${id}' ORDER BY seq, created_at`
      : `SELECT giftcard_txn_id AS id, reason AS key, balance_after_minor / 100 AS balance,
          CASE kind WHEN 'issue' THEN amount_minor ELSE -amount_minor END / 100 AS by
          FROM giftcard_txn WHERE giftcard_id = '${id}' ORDER BY seq, created_at`;
  const rows = await database.query(sql);
  return rows.map((row) => ({ id: row.id, key: row.key, by: Number(row.by), balance: Number(row.balance) }));
}
