/**
 * Backend 1, the embedded CRM: opens the file, dispatches calls to handlers, keeps receipts and journal. Not: any
 * rule.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { permits } from '../contract/access.js';
import type { Backend, Caller, Credentials, Performance, Performed, Stamp } from '../contract/backend.js';
import { CrmError, IDEMPOTENCY_MISMATCH } from '../contract/errors.js';
import type { Operation, RoleTable } from '../contract/operation.js';
import { type Keys, loadKeys } from '../secrets/keys.js';
import type { AnyHandler, Context, Refused, Settings, Written } from './handler.js';
import { HANDLERS } from './handlers/index.js';
import { housekeep } from './housekeeping.js';
import { identify } from './identity.js';
import { createIdMint } from './ids.js';
import { appendJournal } from './journal.js';
import { migrate, requireSchema } from './migrations/index.js';
import { type Answer, findReceipt, keepReceipt, receiptRequest, refusalInit } from './receipts.js';
import { checkServerKey, hasServerKey } from './server-key.js';
import { type Driver, openSqlite } from './sqlite/driver.js';
import type { Steps } from './step.js';

export interface StoreOptions {
  /** The database file; its directory must exist. */
  readonly path: string;
  /** Default: the database file with `.key` behind it. */
  readonly keyPath?: string;
  readonly roles: RoleTable;
  readonly settings: Settings;
  /** Work on what is there and change nothing, the windows of sessions included. */
  readonly readOnly?: boolean;
  /** Told of background work that failed; never of a call's own failure. */
  readonly onBackgroundError: (error: unknown) => void;
  /** Milliseconds since the epoch, for background work alone: calls bring their own time. Default the system's. */
  readonly clock?: () => number;
}

export interface Store extends Backend {
  readonly driver: Driver;
  readonly keys: Keys;
  perform(performance: StorePerformance): Promise<Performed>;
}

/** A store knows the caller; how they proved it is no longer its business. */
export type StorePerformance = Omit<Performance, 'credentials' | 'signal'>;

/** How long a change may wait for its seal in the journal's chain. */
const HOUSEKEEPING_MS = 2000;

/**
 * Opens or creates the embedded CRM; read-only, one that is there.
 * @throws Error when the file is of a newer version, its key is missing or wrong, or SQLite is too old; read-only, also
 * when it is missing or of an older version.
 */
export function openStore(options: StoreOptions): Store {
  if (options.readOnly === true) return openReadOnly(options);
  const driver = openSqlite(options.path);
  const now = new Date().toISOString();
  migrate(driver, now);
  const keys = loadKeys(options.keyPath ?? `${options.path}.key`, !driver.read(hasServerKey()));
  driver.direct(checkServerKey(keys));
  return new EmbeddedStore(driver, keys, options);
}

function openReadOnly(options: StoreOptions): Store {
  if (!existsSync(options.path)) {
    throw new Error(`there is no database ${options.path}, and a read-only server makes none`);
  }
  const driver = openSqlite(options.path, true);
  requireSchema(driver);
  const keys = loadKeys(options.keyPath ?? `${options.path}.key`, false);
  driver.read(checkServerKey(keys));
  return new EmbeddedStore(driver, keys, options);
}

class EmbeddedStore implements Store {
  readonly kind = 'store';
  readonly driver: Driver;
  readonly keys: Keys;
  readonly #options: StoreOptions;
  readonly #mintId = createIdMint();
  readonly #unsealed = new Set<string>();
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(driver: Driver, keys: Keys, options: StoreOptions) {
    this.driver = driver;
    this.keys = keys;
    this.#options = options;
    if (options.readOnly !== true) this.#timer = setInterval(() => this.#housekeep(), HOUSEKEEPING_MS).unref();
  }

  identify(credentials: Credentials, stamp: Stamp): Caller {
    const { caller, touch } = this.driver.read(identify(credentials, this.keys, stamp));
    if (touch !== undefined && this.#options.readOnly !== true)
      this.driver.write({ steps: touch }).catch(this.#options.onBackgroundError);
    return caller;
  }

  async perform(performance: StorePerformance): Promise<Performed> {
    const { operation, input } = performance;
    const handler = HANDLERS[operation.id];
    if (handler === undefined) throw new Error(`no handler for ${operation.id}`);
    const cx = this.#context(performance);
    if (operation.effect === 'read' && !operation.countsFailures) {
      return { data: this.driver.read(handler(cx, input)) };
    }
    const request = receiptRequest(cx, input);
    const answer = await this.driver.write({
      steps: () => unit(cx, operation, handler, input, request),
      refused: (refusal) => {
        const keep = request !== undefined && !refusal.retryable && refusal.code !== IDEMPOTENCY_MISMATCH;
        return keep ? keepReceipt(cx, operation, request, { refusal: refusalInit(refusal) }) : undefined;
      },
    });
    this.#unsealed.add(cx.orgcode);
    if ('refusal' in answer) throw new CrmError(answer.refusal);
    return answer.performed;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#housekeep();
    await this.driver.close();
  }

  #context({ operation: _, caller, context, stamp }: StorePerformance): Context {
    return {
      orgcode: caller.orgcode,
      caller,
      stamp,
      place: context,
      settings: this.#options.settings,
      keys: this.keys,
      newId: () => this.#mintId(stamp.epoch_ms),
      randomBytes: (count) => randomBytes(count),
      permits: (access) => permits(this.#options.roles, access, caller),
    };
  }

  #housekeep(): void {
    const orgs = [...this.#unsealed];
    this.#unsealed.clear();
    const now = new Date(this.#options.clock?.() ?? Date.now()).toISOString();
    for (const orgcode of orgs) {
      this.driver.write({ steps: () => housekeep(orgcode, this.keys, now) }).catch(this.#options.onBackgroundError);
    }
  }
}

/** One change as a whole: the receipt if there is one, else the handler, its journal row, and a new receipt. */
function* unit(
  cx: Context,
  operation: Operation,
  handler: AnyHandler,
  input: object,
  request: ReturnType<typeof receiptRequest>,
): Steps<Answer> {
  if (request !== undefined) {
    const kept = yield* findReceipt(cx, operation, request);
    if (kept !== undefined) return replay(kept);
  }
  const { idempotency_key: _, ...rest } = input as { idempotency_key?: string };
  const outcome = yield* handler(cx, rest);
  const answer: Answer = isRefused(outcome)
    ? { refusal: refusalInit(outcome.refusal) }
    : { performed: performed(outcome) };
  if (isWritten(outcome) && outcome.fields.length > 0) yield* appendJournal(cx, operation, outcome, rest);
  if (request !== undefined && !(isRefused(outcome) && outcome.refusal.retryable)) {
    yield* keepReceipt(cx, operation, request, answer);
  }
  return answer;
}

function replay(kept: Answer): Answer {
  return 'refusal' in kept
    ? { refusal: { ...kept.refusal, replayed: true } }
    : { performed: { ...kept.performed, replayed: true } };
}

function performed(outcome: object): Performed {
  const data = isWritten(outcome) ? outcome.data : outcome;
  const { revision } = data as { revision?: number };
  return revision === undefined ? { data } : { data, revision };
}

function isWritten(outcome: object): outcome is Written<object> {
  return 'target_id' in outcome && 'fields' in outcome && 'data' in outcome;
}

function isRefused(outcome: object): outcome is Refused {
  return 'refusal' in outcome;
}
