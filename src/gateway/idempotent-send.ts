/**
 * Sending a write at most once: a receipt is on disk before it leaves, and tells every later call with the same key or
 * body what became of it. Not: how it is sent, nor how receipts are stored.
 */
import { randomBytes } from 'node:crypto';
import type { BackendCall, RelayedEnvelope } from '../contract/backend.js';
import type { Envelope } from '../contract/envelope.js';
import { idempotencyMismatch } from '../contract/errors.js';
import type { Operation } from '../contract/operation.js';
import type { GatewayConnection, GatewayDb } from './gateway-db.js';
import {
  deleteExpired,
  deleteRecord,
  findRecord,
  type IdempotencyRecord,
  insertRecord,
  lastRecord,
  type RecordRequest,
  recordRequest,
  settleRecord,
} from './idempotency-table.js';
import { answerNotKept, outcomeUnknown, type PastCall, recordNotWritten, stillRunning } from './repeated-call.js';
import { isErasure, wipeOrg } from './response-erasure.js';
import type { SendOnce } from './send-once.js';
import { type AnswerVerdict, keptForm, keptText, replayOf, verdictOf, verdictOfError } from './stored-responses.js';

export interface SendOnceOptions {
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** The longest that `send` may take, retries included. */
  readonly deadlineMs: number;
  /** The tools whose answer tells whether a write happened; for `next_steps`. */
  readonly readsThatTell: (operation: Operation) => readonly string[];
  /** Told when the database fails after an answer has come: the caller gets the answer all the same. */
  readonly onBackgroundError: (error: unknown) => void;
}

/** Contract §1, Idempotency. */
const KEPT_MS = 24 * 60 * 60 * 1000;
/** Where no idempotency_key can tell a new call from the old one, time must. */
const KEPT_KEYLESS_MS = 15 * 60 * 1000;
/** What a process may need beyond the deadline, until it has noted how a write ended. */
const LEASE_MARGIN_MS = 5000;
const FORGET_AT_OPEN = 500;
const FORGET_AT_ONCE = 20;

interface Sender extends SendOnceOptions {
  readonly db: GatewayDb;
  /** The random name of this process. */
  readonly name: string;
}

/** A write on its way. */
interface Flight {
  readonly receipt: IdempotencyRecord;
  /** Never rejects. `unheard`: its client went away before the answer came. */
  readonly ended: Promise<{ readonly envelope?: Envelope; readonly unheard: boolean }>;
}

/**
 * Remembers writes in the gateway's database. Reads pass. A write is known by org, caller, endpoint and
 * idempotency_key, or by all that was sent when it has none.
 * @returns a function that throws what `send` throws; 409 `crm.idempotency_mismatch` for a key that stands for another
 * body; 504 `crm.gateway_timeout` when the same call was sent before and nobody knows its outcome; 409
 * `crm.answer_not_kept` when it was answered but the answer is gone; 503 `crm.storage_unavailable` when nothing was
 * sent because no receipt could be written.
 */
export function createSendOnce(db: GatewayDb, options: SendOnceOptions): SendOnce {
  const sender: Sender = { ...options, db, name: randomBytes(8).toString('hex') };
  const flights = new Map<string, Flight>();
  db.write((connection) => deleteExpired(connection, options.clock(), FORGET_AT_OPEN)).catch(options.onBackgroundError);

  return async (performance, send) => {
    if (performance.operation.effect === 'read') return send();
    const request = recordRequest(db.keys, performance);
    const place = request.scope_mac;
    const patience = options.clock() + options.deadlineMs;
    // Between the last look and taking the place nothing may be awaited: others look too.
    for (let flight = flights.get(place); flight !== undefined; flight = flights.get(place)) {
      const shared = await landing(sender, performance, request, flight, patience);
      if (shared !== undefined) return shared;
    }
    const receipt = newReceipt(sender, performance, request);
    const answer = sendOrRecall(sender, performance, request, receipt, send);
    const ended = answer
      .then(({ envelope }) => ({ envelope, unheard: performance.signal?.aborted === true }))
      .catch(() => ({ unheard: true }))
      .finally(() => flights.delete(place));
    flights.set(place, { receipt, ended });
    return answer;
  };
}

/**
 * Waits for a call of the same scope to end. Without a key, one's own is then a new call; but not when the other's
 * client gave up on it: then it is the second try at the same one, and shares its answer.
 * @throws CrmError 504 when one has waited until `patience` already.
 */
async function landing(
  { clock, readsThatTell }: Sender,
  { operation, stamp }: BackendCall,
  { keyed }: RecordRequest,
  { receipt, ended }: Flight,
  patience: number,
): Promise<RelayedEnvelope | undefined> {
  const now = clock();
  if (now > patience) throw stillRunning(pastOf(receipt, keyed, operation, readsThatTell), receipt.lease_ms - now);
  const { envelope, unheard } = await ended;
  if (keyed || !unheard || envelope?.success !== true) return undefined;
  return { envelope: replayOf(keptForm(operation, envelope), stamp, clock()) };
}

async function sendOrRecall(
  sender: Sender,
  performance: BackendCall,
  request: RecordRequest,
  receipt: IdempotencyRecord,
  send: () => Promise<RelayedEnvelope>,
): Promise<RelayedEnvelope> {
  const found = await claim(sender, request, receipt);
  if (found !== undefined) return recall(sender, performance, request, found);
  let relayed: RelayedEnvelope;
  try {
    relayed = await send();
  } catch (thrown) {
    await settle(sender, performance.operation, request, receipt, verdictOfError(thrown));
    throw thrown;
  }
  await settle(sender, performance.operation, request, receipt, verdictOf(relayed.envelope), relayed.envelope);
  return relayed;
}

function newReceipt({ clock, deadlineMs, name }: Sender, { operation, stamp }: BackendCall, request: RecordRequest) {
  const now = clock();
  const kept = operation.acceptsIdempotencyKey ? KEPT_MS : KEPT_KEYLESS_MS;
  // Nobody marked the personal fields of somebody else's document: any answer may hold some.
  const isPersonal = operation.imported !== undefined || operation.personal.length > 0;
  return {
    request_mac: request.request_mac,
    state: 'sent',
    sender: name,
    request_id: stamp.request_id,
    sent_ms: now,
    lease_ms: now + deadlineMs + LEASE_MARGIN_MS,
    expires_ms: now + kept,
    personal: isPersonal ? 1 : 0,
    answer: null,
  } satisfies IdempotencyRecord;
}

/** Writes the receipt, on disk when this returns; or answers the one that is there. */
async function claim(
  { db, clock }: Sender,
  request: RecordRequest,
  receipt: IdempotencyRecord,
): Promise<IdempotencyRecord | undefined> {
  try {
    return await db.write((connection) => {
      deleteExpired(connection, clock(), FORGET_AT_ONCE);
      const found = findRecord(connection, request, clock());
      if (found === undefined) insertRecord(connection, request, receipt);
      return found;
    });
  } catch (cause) {
    throw recordNotWritten(cause);
  }
}

/** What a receipt says to a second call. */
function recall(
  { db, clock, name, readsThatTell, onBackgroundError }: Sender,
  { operation, stamp }: BackendCall,
  request: RecordRequest,
  receipt: IdempotencyRecord,
): RelayedEnvelope {
  if (receipt.request_mac !== request.request_mac) throw idempotencyMismatch();
  const past = pastOf(receipt, request.keyed, operation, readsThatTell);
  const { state, sender, answer, lease_ms } = receipt;
  if (state === 'sent' && sender !== name && clock() < lease_ms) throw stillRunning(past, lease_ms - clock());
  if (state === 'sent' || state === 'unknown') throw outcomeUnknown(past);
  if (answer === null) throw answerNotKept(past, state);
  let first: Envelope;
  try {
    first = JSON.parse(db.keys.unseal('upstream-answer', answer, sealContext(request))) as Envelope;
  } catch (error) {
    onBackgroundError(error);
    throw answerNotKept(past, state);
  }
  return { envelope: replayOf(first, stamp, clock()) };
}

/** Notes how a write ended, before its caller is told. When that fails, the receipt stands as `sent`: unknown. */
async function settle(
  { db, onBackgroundError }: Sender,
  operation: Operation,
  request: RecordRequest,
  receipt: IdempotencyRecord,
  verdict: AnswerVerdict,
  envelope?: Envelope,
): Promise<void> {
  const text = envelope === undefined ? undefined : keptText(operation, envelope);
  const answer = text === undefined ? null : db.keys.seal('upstream-answer', text, sealContext(request));
  const note = (connection: GatewayConnection) => {
    if (verdict === 'unknown') settleRecord(connection, request, receipt, verdict, null);
    else if (verdict === 'not_done' || !request.keyed) deleteRecord(connection, request, receipt);
    else settleRecord(connection, request, receipt, verdict, answer);
    return lastRecord(connection);
  };
  try {
    const last = await db.write(note);
    if (isErasure(operation, verdict)) await wipeOrg(db, request, last);
  } catch (error) {
    onBackgroundError(error);
  }
}

function pastOf(
  { request_id, sent_ms, expires_ms }: IdempotencyRecord,
  keyed: boolean,
  operation: Operation,
  readsThatTell: SendOnceOptions['readsThatTell'],
): PastCall {
  const reads = readsThatTell(operation);
  return { request_id, sent_ms, expires_ms, keyed, acceptsKey: operation.acceptsIdempotencyKey, reads };
}

/** Ties a sealed answer to its receipt: moved to another key, caller or org it no longer opens. */
function sealContext({ orgcode, scope_mac, request_mac }: RecordRequest): string {
  return JSON.stringify([orgcode, scope_mac, request_mac]);
}
