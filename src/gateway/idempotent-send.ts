/**
 * Sends a write at most once. An idempotency record is on disk before the write is sent, and decides the response to
 * later calls with the same key or body. Records are stored by idempotency-table.ts.
 */
import { randomBytes } from 'node:crypto';
import type { BackendCall, RelayedEnvelope } from '../contract/backend.js';
import type { Envelope } from '../contract/envelope.js';
import { idempotencyMismatch } from '../contract/errors.js';
import type { Operation } from '../contract/operation.js';
import { deriveKeys } from '../secrets/keys.js';
import type { GatewayConnection, GatewayDb } from './gateway-db.js';
import {
  deleteExpired,
  deleteRecord,
  findRecord,
  type IdempotencyRecord,
  insertRecord,
  isKeyed,
  lastRecordNumber,
  type NewRecord,
  type RecordRequest,
  recordRequests,
  scopeParts,
  settleRecord,
} from './idempotency-table.js';
import {
  outcomeUnknown,
  type PreviousCall,
  recordNotWritten,
  responseNotStored,
  stillRunning,
} from './repeated-call.js';
import { eraseOrgResponses, isErasure } from './response-erasure.js';
import type { SendOnce } from './send-once.js';
import {
  replayOf,
  storableEnvelope,
  storableText,
  verdictOf,
  verdictOfError,
  type WriteVerdict,
} from './stored-responses.js';

export interface SendOnceOptions {
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** The longest that `send` may take, retries included. */
  readonly deadlineMs: number;
  /** The tools that can show whether a write happened; for `next_steps`. */
  readonly outcomeProbesOf: (operation: Operation) => readonly string[];
  /** Called when the database fails after a response has come; the caller gets the response all the same. */
  readonly onBackgroundError: (error: unknown) => void;
}

/** Contract §1, Idempotency. */
const RETENTION_MS = 24 * 60 * 60 * 1000;
/** For operations without idempotency_key, only time can distinguish a new call from a repeated one. */
const RETENTION_KEYLESS_MS = 15 * 60 * 1000;
/** Time a process may need after the deadline to store how a write ended. */
const LEASE_MARGIN_MS = 5000;
const EXPIRED_BATCH_AT_OPEN = 500;
const EXPIRED_BATCH_PER_WRITE = 20;

interface Sender extends SendOnceOptions {
  readonly db: GatewayDb;
  /** The random name of this process. */
  readonly name: string;
}

/** A write in flight. */
interface InFlightWrite {
  readonly record: NewRecord;
  /** Never rejects. `undelivered`: the client disconnected before the response came. */
  readonly ended: Promise<{ readonly envelope?: Envelope; readonly undelivered: boolean }>;
}

/**
 * Records writes in the gateway's database; reads are sent without a record. A write is identified by org, caller,
 * endpoint and idempotency_key, or by everything that was sent when it has no key.
 * @returns a function that throws what `send` throws; 409 `crm.idempotency_mismatch` for a key that was used with
 * another body; 504 `crm.gateway_timeout` when the same call was sent before and its outcome is unknown; 409
 * `crm.answer_not_kept` when the response to it is no longer stored; 503 `crm.storage_unavailable` when nothing was
 * sent because no record could be written.
 */
export function createSendOnce(db: GatewayDb, options: SendOnceOptions): SendOnce {
  const sender: Sender = { ...options, db, name: randomBytes(8).toString('hex') };
  const inFlight = new Map<string, InFlightWrite>();
  const ofThisProcess = deriveKeys(randomBytes(32)); // stays the same when the server key is rotated
  db.write((connection) => deleteExpired(connection, options.clock(), EXPIRED_BATCH_AT_OPEN)).catch(
    options.onBackgroundError,
  );

  return async (call, send) => {
    if (call.operation.effect === 'read') return send();
    const scope = ofThisProcess.mac('upstream-receipt', ...scopeParts(call));
    const waitUntil = options.clock() + options.deadlineMs;
    // No await between the last `get` and the `set` below: concurrent calls check the same map.
    for (let first = inFlight.get(scope); first !== undefined; first = inFlight.get(scope)) {
      const shared = await waitForFirst(sender, call, first, waitUntil);
      if (shared !== undefined) return shared;
    }
    const record = newRecord(sender, call);
    const response = sendOrReplay(sender, call, record, send);
    const ended = response
      .then(({ envelope }) => ({ envelope, undelivered: call.signal?.aborted === true }))
      .catch(() => ({ undelivered: true }))
      .finally(() => inFlight.delete(scope));
    inFlight.set(scope, { record, ended });
    return response;
  };
}

/**
 * Waits for a call of the same scope to end. Without a key, the waiting call is then a new call, unless the client of
 * the first one had disconnected: then it is a retry of the same call and shares the response.
 * @returns the shared response; undefined when the waiting call has to be sent or looked up.
 * @throws CrmError 504 when the call has already waited until `waitUntil`.
 */
async function waitForFirst(
  { clock, outcomeProbesOf }: Sender,
  call: BackendCall,
  { record, ended }: InFlightWrite,
  waitUntil: number,
): Promise<RelayedEnvelope | undefined> {
  const { operation, stamp } = call;
  const keyed = isKeyed(call);
  const now = clock();
  if (now > waitUntil)
    throw stillRunning(previousCallOf(record, keyed, operation, outcomeProbesOf), record.lease_ms - now);
  const { envelope, undelivered } = await ended;
  if (keyed || !undelivered || envelope?.success !== true) return undefined;
  return { envelope: replayOf(storableEnvelope(operation, envelope), stamp, clock()) };
}

async function sendOrReplay(
  sender: Sender,
  call: BackendCall,
  record: NewRecord,
  send: () => Promise<RelayedEnvelope>,
): Promise<RelayedEnvelope> {
  const { request, found } = await claim(sender, call, record);
  if (found !== undefined) return replay(sender, call, request, found);
  let relayed: RelayedEnvelope;
  try {
    relayed = await send();
  } catch (thrown) {
    await settle(sender, call.operation, request, record, verdictOfError(thrown));
    throw thrown;
  }
  await settle(sender, call.operation, request, record, verdictOf(relayed.envelope), relayed.envelope);
  return relayed;
}

function newRecord({ clock, deadlineMs, name }: Sender, { operation, stamp }: BackendCall) {
  const now = clock();
  const retention = operation.acceptsIdempotencyKey ? RETENTION_MS : RETENTION_KEYLESS_MS;
  // Imported documents do not mark personal fields: any response may hold personal data.
  const isPersonal = operation.imported !== undefined || operation.personal.length > 0;
  return {
    state: 'sent',
    sender: name,
    request_id: stamp.request_id,
    sent_ms: now,
    lease_ms: now + deadlineMs + LEASE_MARGIN_MS,
    expires_ms: now + retention,
    personal: isPersonal ? 1 : 0,
    answer: null,
  } satisfies NewRecord;
}

interface Claim {
  readonly request: RecordRequest;
  /** The record of an earlier call. */
  readonly found?: IdempotencyRecord;
}

/**
 * Inserts the record, on disk when this resolves; or returns the record that exists, which another generation of the
 * server key may have hashed.
 */
async function claim({ db, clock }: Sender, call: BackendCall, record: NewRecord): Promise<Claim> {
  try {
    return await db.write((connection) => {
      deleteExpired(connection, clock(), EXPIRED_BATCH_PER_WRITE);
      const requests = recordRequests(db.keys, call);
      for (const request of requests) {
        const found = findRecord(connection, request, clock());
        if (found !== undefined) return { request, found };
      }
      insertRecord(connection, requests[0], record);
      return { request: requests[0] };
    });
  } catch (cause) {
    throw recordNotWritten(cause);
  }
}

/** The response to a repeated call, decided by the record of the first. */
function replay(
  { db, clock, name, outcomeProbesOf, onBackgroundError }: Sender,
  { operation, stamp }: BackendCall,
  request: RecordRequest,
  record: IdempotencyRecord,
): RelayedEnvelope {
  if (record.request_mac !== request.request_mac) throw idempotencyMismatch();
  const previous = previousCallOf(record, request.keyed, operation, outcomeProbesOf);
  const { state, sender, answer, lease_ms } = record;
  if (state === 'sent' && sender !== name && clock() < lease_ms) throw stillRunning(previous, lease_ms - clock());
  if (state === 'sent' || state === 'unknown') throw outcomeUnknown(previous);
  if (answer === null) throw responseNotStored(previous, state);
  let stored: Envelope;
  try {
    stored = JSON.parse(db.keys.unseal('upstream-answer', answer, sealContext(request))) as Envelope;
  } catch (error) {
    onBackgroundError(error);
    throw responseNotStored(previous, state);
  }
  return { envelope: replayOf(stored, stamp, clock()) };
}

/**
 * Stores how a write ended before its caller gets the response. On failure the record stays `sent`: outcome unknown.
 */
async function settle(
  { db, onBackgroundError }: Sender,
  operation: Operation,
  request: RecordRequest,
  record: NewRecord,
  verdict: WriteVerdict,
  envelope?: Envelope,
): Promise<void> {
  const text = envelope === undefined ? undefined : storableText(operation, envelope);
  const answer = text === undefined ? null : db.keys.seal('upstream-answer', text, sealContext(request));
  const storeResult = (connection: GatewayConnection) => {
    if (verdict === 'unknown') settleRecord(connection, request, record, verdict, null);
    else if (verdict === 'not_done' || !request.keyed) deleteRecord(connection, request, record);
    else settleRecord(connection, request, record, verdict, answer);
    return lastRecordNumber(connection);
  };
  try {
    const last = await db.write(storeResult);
    if (isErasure(operation, verdict)) await eraseOrgResponses(db, request, last);
  } catch (error) {
    onBackgroundError(error);
  }
}

function previousCallOf(
  { request_id, sent_ms, expires_ms }: NewRecord,
  keyed: boolean,
  operation: Operation,
  outcomeProbesOf: SendOnceOptions['outcomeProbesOf'],
): PreviousCall {
  const outcomeProbes = outcomeProbesOf(operation);
  return { request_id, sent_ms, expires_ms, keyed, acceptsKey: operation.acceptsIdempotencyKey, outcomeProbes };
}

/** Binds a sealed response to its record: moved to another key, caller or org, it can no longer be unsealed. */
function sealContext({ orgcode, scope_mac, request_mac }: RecordRequest): string {
  return JSON.stringify([orgcode, scope_mac, request_mac]);
}
