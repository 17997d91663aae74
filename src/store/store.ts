/**
 * The embedded CRM, the first of the two backends: opens the database, runs each call's handler in a unit of work, and
 * does the housekeeping. The only file that chooses a database engine.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { permits } from '../contract/access.js';
import type {
  Backend,
  BackendCall,
  BackendPreview,
  BackendResult,
  Caller,
  Credentials,
  Stamp,
} from '../contract/backend.js';
import type { BackendMeasures } from '../contract/measures.js';
import type { RoleTable } from '../contract/operation.js';
import { IN_MEMORY } from '../database-file/file-identity.js';
import { DatabaseFileError } from '../database-file/open-error.js';
import { type OutageWatch, type ReportOutage, watchOutage } from '../database-file/outage-watch.js';
import { serverKeyLacks } from '../database-file/wrong-key.js';
import { createIdMint } from '../ids.js';
import { createRetentionClock } from '../retention-clock.js';
import { deriveKeys, follow, generationOf, type KeyRing, loadKeys } from '../secrets/keys.js';
import type { RewrittenEmails } from './customer/stored-emails.js';
import { outdatedData, refreshDerivedData } from './derived-data.js';
import type { Driver } from './engine/driver.js';
import { dryRun } from './engine/dry-run.js';
import type { Context, Settings } from './engine/handler.js';
import { idempotencyRequest } from './engine/idempotency.js';
import { apart, type Steps } from './engine/step.js';
import { recordError, resultOf, runUnitOfWork, type UnitOfWork } from './engine/unit-of-work.js';
import { HANDLERS } from './handlers.js';
import { housekeep, orgsWithWork } from './housekeeping.js';
import { KeyUses, writeKeyUses } from './key-uses.js';
import { KnownCallers } from './known-callers.js';
import { checkServerKey, hasServerKey, storedKeyCheck } from './server-key.js';
import { exclusively } from './sqlite/exclusively.js';
import { migrate, requireSchema } from './sqlite/migrations/migrate.js';
import { openSqlite, type SqliteDriver } from './sqlite/sqlite-driver.js';
import { requireFinishedCopy } from './unfinished-copy.js';

/** What a store needs on any engine. */
export interface EngineOptions {
  readonly roles: RoleTable;
  readonly settings: Settings;
  /** Open an existing database and write nothing, not even the expiry of sessions. */
  readonly readOnly?: boolean;
  /** Whether stored hashes of credentials may be replaced after a rotation of the server key. Default: they may. */
  readonly mayHashAgain?: boolean;
  /** Called when background work fails; a failing call is reported to its caller instead. */
  readonly onBackgroundError: (error: unknown) => void;
  /** Called when opening rewrote e-mail addresses, because the rules for them have changed. */
  readonly onRewrittenEmails?: (counts: RewrittenEmails) => void;
  readonly onOutage?: ReportOutage;
  /** Milliseconds since the epoch, for background work only: calls carry their own time. Default: the system clock. */
  readonly clock?: () => number;
  /** Milliseconds that are never stepped. Default: the system's monotonic clock. */
  readonly monotonic?: () => number;
}

export interface StoreOptions extends EngineOptions {
  /** The database file. Its directory must exist. */
  readonly path: string;
  /** Default: the database file's path with `.key` appended. */
  readonly keyPath?: string;
  /** Whether this process writes many rows, as an import does. */
  readonly writesManyRows?: boolean;
}

export interface Store extends Backend {
  readonly driver: Driver;
  readonly keys: KeyRing;
  perform(call: StoreCall): Promise<BackendResult>;
  preview(call: StoreCall): Promise<BackendResult | BackendPreview>;
  /** Runs several calls of an org as one unit: all of them are committed, or none. @throws what `steps` throws. */
  combine<T>(work: CombinedWork<T>): Promise<T>;
}

/** Several calls that belong together. */
export interface CombinedWork<T> {
  readonly orgcode: string;
  /** Runs everything and rolls it back. */
  readonly dryRun?: boolean;
  /** Whether the steps find what they did before, so that they can run again when a COMMIT was not answered. */
  readonly repeatable?: boolean;
  /** The steps; `perform` runs a call as `Store.perform` does. They may be started again, as those of any job. */
  readonly steps: (perform: PerformSteps) => Steps<T>;
}

export type PerformSteps = (call: StoreCall) => Steps<BackendResult>;

/** A store on a SQLite file, whose driver reads synchronously. */
export interface SqliteStore extends Store {
  readonly driver: SqliteDriver;
}

/** A call whose caller has been identified: it carries no credentials. */
export type StoreCall = Omit<BackendCall, 'credentials'>;

/** How often changed orgs get their housekeeping; a journal row waits this long for its seal. */
const HOUSEKEEPING_MS = 2000;
/** How long the times of used keys may take to write: a server that stops waits for them. */
const KEY_USES_MS = 2000;
/** How often a server looks whether the server key was rotated: it learns of it within twice this time. */
export const KEY_LOOK_MS = 1000;
/** Background work has no caller who waits. */
const LONG = { isLong: true } as const;
/** Erases personal data, which the files must not keep afterwards. */
const ANONYMIZE = 'customer_anonymize';

/**
 * Opens the embedded CRM, and creates its database when it is missing, unless `readOnly` is set. `:memory:` as path
 * makes one that ends with the process.
 * @throws Error when the file has a newer schema, its key is missing or wrong, or SQLite is too old; with `readOnly`
 * also when the file is missing or has an older schema.
 */
export function openStore(options: StoreOptions): SqliteStore {
  if (options.readOnly === true) return openReadOnly(options);
  const driver = openSqlite(options.path);
  return closedOnError(driver, () => {
    const now = new Date().toISOString();
    migrate(driver, now);
    driver.direct(requireFinishedCopy(driver.dialect));
    refresh(driver, now, options);
    const keys = openKeys(options, !driver.read(hasServerKey));
    driver.direct(checkServerKey(keys));
    if (options.writesManyRows === true) driver.prepareForManyRows();
    return new EmbeddedStore(driver, keys, options);
  });
}

/** Opens a file into which a database with these keys is copied, and creates it if it is missing; it is not served. */
export function openReceivingFile(path: string, keys: KeyRing): SqliteDriver {
  const driver = openSqlite(path);
  return closedOnError(driver, () => {
    const now = new Date().toISOString();
    migrate(driver, now);
    exclusively(driver, () => refreshDerivedData(driver.dialect, now));
    exclusively(driver, () => checkServerKey(keys));
    driver.prepareForManyRows();
    return driver;
  });
}

/** Takes the write lock only when something is outdated: `verify` and others open a database that is in use. */
function refresh(driver: SqliteDriver, now: string, { onRewrittenEmails }: StoreOptions): void {
  if (driver.direct(outdatedData()).length === 0) return;
  const emails = exclusively(driver, () => refreshDerivedData(driver.dialect, now));
  if (emails.rewritten > 0) onRewrittenEmails?.(emails);
}

/** A database in memory has a key of its own, which ends with it. */
function openKeys({ path, keyPath }: StoreOptions, mayCreate: boolean): KeyRing {
  if (path === IN_MEMORY && keyPath === undefined) return deriveKeys(randomBytes(32));
  return loadKeys(keyPath ?? `${path}.key`, mayCreate);
}

function openReadOnly(options: StoreOptions): SqliteStore {
  if (!existsSync(options.path)) {
    throw new DatabaseFileError(
      `there is no database ${options.path}, and a read-only server makes none`,
      'Correct the path, or start once without --read-only.',
    );
  }
  const driver = openSqlite(options.path, true);
  return closedOnError(driver, () => {
    requireSchema(driver);
    driver.read(() => requireFinishedCopy(driver.dialect));
    if (driver.read(outdatedData).length > 0) throw needsUpdate();
    const keys = openKeys(options, false);
    driver.read(() => checkServerKey(keys));
    return new EmbeddedStore(driver, keys, options);
  });
}

function closedOnError<T>(driver: Driver, open: () => T): T {
  try {
    return open();
  } catch (error) {
    void driver.close();
    throw error;
  }
}

/** A read-only server cannot bring data up to date that other rules wrote. */
export function needsUpdate(): Error {
  return new Error(
    'the database was written by other rules: start once without --read-only, which brings it up to date',
  );
}

/** The store on any engine, with an open and migrated database. */
export class EmbeddedStore<Engine extends Driver> implements Store {
  readonly kind = 'store';
  readonly driver: Engine;
  readonly keys: KeyRing;
  readonly #options: EngineOptions;
  readonly #mintId = createIdMint();
  readonly #unsealed = new Set<string>();
  readonly #keyUses = new KeyUses();
  readonly #callers: KnownCallers;
  readonly #retentionMs: () => number;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #watch: OutageWatch;
  #rounds: Promise<void> | undefined;
  readonly #keyTimer: NodeJS.Timeout;
  #keyTrouble: DatabaseFileError | undefined;
  /** Whether the database uses another generation than this process, which then writes nothing. */
  #isBehind = false;

  constructor(driver: Engine, keys: KeyRing, options: EngineOptions) {
    this.driver = driver;
    this.keys = keys;
    this.#options = options;
    this.#callers = new KnownCallers(driver, keys);
    const { clock = Date.now, monotonic = () => performance.now() } = options;
    this.#retentionMs = createRetentionClock(clock, monotonic);
    this.#watch = watchOutage(() => driver.outage(), options.onOutage);
    this.#keyTimer = setInterval(() => void this.#followKey(), KEY_LOOK_MS).unref();
    if (options.readOnly !== true) this.#timer = setInterval(() => this.#backgroundWork(), HOUSEKEEPING_MS).unref();
  }

  async identify(credentials: Credentials, stamp: Stamp): Promise<Caller> {
    const { caller, touch, usedKeys = [], hashAgain } = await this.#callers.identify(credentials, stamp);
    if (this.#options.readOnly === true) return caller;
    for (const hash of usedKeys) this.#keyUses.note(hash, stamp.epoch_ms);
    for (const steps of [touch, this.#options.mayHashAgain === false ? undefined : hashAgain])
      if (steps !== undefined)
        this.driver.write({ steps, orgcode: credentials.orgcode }).catch((error) => this.#reportBackground(error));
    return caller;
  }

  async perform(call: StoreCall): Promise<BackendResult> {
    const unit = this.#unit(call);
    const { cx, operation, handler, input } = unit;
    if (operation.effect === 'read' && !operation.countsFailures) {
      const { signal } = call;
      const scope = { orgcode: cx.orgcode, ...(signal === undefined ? {} : { signal }) };
      return { data: await this.driver.read(() => handler(cx, input), scope) };
    }
    this.#requireKey();
    const { response } = await this.driver.write({
      orgcode: cx.orgcode,
      keyed: unit.request !== undefined,
      steps: () => runUnitOfWork(unit),
      onError: (error) => recordError(unit, error),
      erases: operation.id === ANONYMIZE,
    });
    this.#unsealed.add(cx.orgcode);
    return resultOf(response);
  }

  async combine<T>({ orgcode, steps, dryRun: isDry = false, repeatable = false }: CombinedWork<T>): Promise<T> {
    this.#requireKey();
    const result = await this.driver.write({
      orgcode,
      keyed: repeatable,
      steps: () => steps((call) => performSteps(this.#unit(call))),
      ...(isDry ? { rollBackAndRead: returned<T> } : {}),
    });
    if (!isDry) this.#unsealed.add(orgcode);
    return result;
  }

  preview(call: StoreCall): Promise<BackendResult | BackendPreview> {
    return dryRun(this.driver, HANDLERS, this.#unit(call));
  }

  /** @throws CrmError when the database takes no changes. */
  isReady(): boolean | Promise<boolean> {
    const outage = this.#watch.look();
    if (outage !== undefined) throw outage;
    if (this.#keyTrouble !== undefined) return false;
    return this.driver.probe?.().then(() => true) ?? this.driver.read(hasServerKey);
  }

  measures(): BackendMeasures {
    return this.driver.measures();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    clearInterval(this.#keyTimer);
    this.#watch.stop();
    await this.#rounds;
    await this.#writeKeyUses().catch(() => {}); // a key then looks unused for a minute
    const isLast = !this.driver.dialect.hasManyWriters && this.#options.readOnly !== true;
    if (isLast) await this.#housekeep(); // what was changed since the last round
    await this.driver.close();
  }

  #unit({ operation, input, caller, context, stamp }: StoreCall): UnitOfWork {
    const handler = HANDLERS[operation.id];
    if (handler === undefined) throw new Error(`no handler for ${operation.id}`);
    const retentionMs = this.#retentionMs();
    const cx: Context = {
      orgcode: caller.orgcode,
      caller,
      stamp,
      retentionNow: stamp.epoch_ms <= retentionMs ? stamp.now : new Date(retentionMs).toISOString(),
      operatingContext: context,
      settings: this.#options.settings,
      keys: this.keys,
      dialect: this.driver.dialect,
      search: this.driver.search,
      newId: () => this.#mintId(stamp.epoch_ms),
      randomBytes: (count) => randomBytes(count),
      permits: (access) => permits(this.#options.roles, access, caller),
    };
    const request = operation.effect === 'read' ? undefined : idempotencyRequest(cx, input);
    return { cx, operation, handler, input, request };
  }

  #backgroundWork(): void {
    void this.#housekeep();
    if (this.#keyUses.areDue()) this.#writeKeyUses().catch((error) => this.#reportBackground(error));
  }

  async #writeKeyUses(): Promise<void> {
    const used = this.#keyUses.take();
    if (used.length === 0) return;
    const steps = () => writeKeyUses(used);
    await this.driver.write({ steps, deadlineMs: KEY_USES_MS });
  }

  /** Learns of generations of the server key that its file has, and of the one that the database uses. */
  async #followKey(): Promise<void> {
    try {
      const check = await this.driver.read(storedKeyCheck, LONG);
      if (check !== undefined) this.#take(check);
      this.#keyTrouble = undefined;
    } catch (error) {
      if (!(error instanceof DatabaseFileError)) return; // the database does not answer, which others report
      if (error.problem !== this.#keyTrouble?.problem) this.#reportBackground(error);
      this.#keyTrouble = error;
    }
  }

  #take(check: string): void {
    try {
      this.keys.refresh(check);
      follow(this.keys, check);
    } finally {
      this.#isBehind = generationOf(check) !== this.keys.generation;
    }
  }

  /** @throws CrmError 503 while what this process would hash could be lost. */
  #requireKey(): void {
    if (this.#isBehind && this.#keyTrouble !== undefined) throw serverKeyLacks(this.#keyTrouble);
  }

  /** One round at a time: with many orgs, or a slow database, it may take longer than the pause. */
  #housekeep(): Promise<void> {
    this.#rounds ??= this.driver
      .lead(() => this.#housekeepOrgs())
      .catch((error) => this.#reportBackground(error))
      .finally(() => {
        this.#rounds = undefined;
      });
    return this.#rounds;
  }

  /** The orgs that this process has changed; where servers share the database, all that have work to do. */
  async #housekeepOrgs(): Promise<void> {
    const { dialect } = this.driver;
    const now = new Date(this.#options.clock?.() ?? Date.now()).toISOString();
    const retentionNow = new Date(this.#retentionMs()).toISOString();
    const isShared = dialect.hasManyWriters;
    const orgs = isShared
      ? await this.driver.read(() => orgsWithWork(dialect, retentionNow), LONG)
      : [...this.#unsealed];
    this.#unsealed.clear();
    for (const orgcode of orgs) {
      const steps = () => housekeep(orgcode, this.keys, dialect, { now, retentionNow });
      await this.driver.write({ steps, orgcode, ...LONG }).catch((error) => {
        this.#unsealed.add(orgcode);
        this.#reportBackground(error);
      });
    }
  }

  /** An outage is reported once, by the watch. */
  #reportBackground(error: unknown): void {
    if (this.driver.outage() === undefined) this.#options.onBackgroundError(error);
  }
}

function* performSteps(unit: UnitOfWork): Steps<BackendResult> {
  return resultOf((yield* apart(runUnitOfWork(unit))).response);
}

// biome-ignore lint/correctness/useYield: there is nothing to read
function* returned<T>(value: T): Steps<T> {
  return value;
}
