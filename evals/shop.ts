/**
 * The shop in which all tasks play: evals/shop.yaml, made by calls in a database that is then copied for each run. The
 * time is the same in every run.
 */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { BackendResult, Caller } from '../src/contract/backend.js';
import { CrmError } from '../src/contract/errors.js';
import { CONTRACT } from '../src/contract/generated/contract.js';
import type { Operation } from '../src/contract/operation.js';
import { createIdMint } from '../src/ids.js';
import { createKey, createOrg } from '../src/store/administration.js';
import { openStore, type SqliteStore } from '../src/store/store.js';
import { type Step, step } from './format.js';
import { type Answers, resolve } from './references.js';

/** A Monday, ten in the morning. */
export const NOW = Date.parse('2026-06-15T10:00:00Z');
export const ORGCODE = 'MAPLE';
export const CONTEXT = { logical_guid: 'store-1', channel_code: 'pos' };
const SHOP = 'evals/shop.yaml';
const MINUTE = 60_000;
/** Calls of a start state that tell no time begin a day before, a minute apart. */
const DAY_BEFORE = NOW - 24 * 60 * MINUTE;

export interface Shop {
  /** The records of the shop, by name. */
  readonly names: Answers;
  /** The key of a caller with these roles, joined by +, or owner. */
  keyOf(role: string): { readonly api_key: string; readonly actor: string };
  /** Copies the shop's database to a file and opens it. */
  open(path: string, clock: () => number): SqliteStore;
  /** A new path for a copy, which `close` deletes. */
  newPath(): string;
  close(): void;
}

const shopFile = z.strictObject({ calls: z.array(step).min(1) });

/** Builds the shop, with a key for each of these roles. */
export async function openShop(roles: readonly string[]): Promise<Shop> {
  const directory = mkdtempSync(join(memoryDirectory(), 'g3n-evals-'));
  const template = join(directory, 'shop.db');
  const store = openDatabase(template, () => NOW);
  const mint = createIdMint();
  const start = NOW - 500 * 24 * 60 * MINUTE;
  const admin = { keys: store.keys, now: new Date(start).toISOString(), newId: () => mint(start) };
  const keys = new Map<string, { api_key: string; actor: string }>();
  await store.driver.write({ steps: () => createOrg(admin, ORGCODE, 'verified') });
  for (const role of new Set(['owner', ...roles])) {
    const owner = role === 'owner';
    const grant = { owner, roles: owner ? [] : role.split('+') };
    const id = mint(start);
    const steps = () => createKey({ ...admin, newId: () => id }, ORGCODE, `eval ${role}`, grant);
    const { api_key } = await store.driver.write({ steps });
    keys.set(role, { api_key, actor: `service_account_guid:${id}` });
  }
  const names = new Map<string, unknown>();
  const { calls } = shopFile.parse(parse(readFileSync(SHOP, 'utf8')));
  await performAll(store, calls, names, () => OWNER);
  await store.close();
  let copies = 0;
  return {
    names,
    keyOf(role) {
      const key = keys.get(role);
      if (key === undefined) throw new Error(`the shop has no key for ${role}`);
      return key;
    },
    open(path, clock) {
      copyFileSync(template, path);
      return openDatabase(path, clock, `${template}.key`);
    },
    newPath() {
      copies += 1;
      return join(directory, `run-${copies}.db`);
    },
    close: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Who makes the start state. */
export const OWNER: Caller = {
  orgcode: ORGCODE,
  org_status: 'verified',
  owner: true,
  roles: [],
  actor: 'user_guid:shop-staff',
  context_source: 'session',
  fingerprint: '0'.repeat(16),
};

/**
 * Makes the calls of a start state, and adds what they answer to `names`.
 * @throws Error when a call does not do what the file says
 */
export async function performAll(
  store: SqliteStore,
  steps: readonly Step[],
  names: Map<string, unknown>,
  callerOf: (step: Step) => Caller,
  from = DAY_BEFORE,
): Promise<void> {
  const mint = createIdMint();
  for (const [index, one] of steps.entries()) {
    const at = one.at === undefined ? from + index * MINUTE : Date.parse(one.at);
    const operation = CONTRACT.operations.find(({ id }) => id === one.operation) as Operation;
    const stamp = { request_id: mint(at), trace_id: '0'.repeat(32), epoch_ms: at, now: new Date(at).toISOString() };
    const input = resolve(one.args, names) as object;
    const call = { operation, input: { ...input }, caller: callerOf(one), context: CONTEXT, stamp };
    const answer = await outcomeOf(one, () => store.perform(call));
    if (one.as !== undefined) names.set(one.as, answer?.data);
  }
}

async function outcomeOf(
  { operation, args, fails }: Step,
  run: () => Promise<BackendResult>,
): Promise<BackendResult | undefined> {
  try {
    const result = await run();
    if (fails === undefined) return result;
  } catch (error) {
    if (error instanceof CrmError && error.code === fails) return undefined;
    const cause = error instanceof CrmError ? `${error.code} ${JSON.stringify(error.details)}` : String(error);
    throw new Error(`start state: ${operation} ${JSON.stringify(args)}: ${cause}`);
  }
  throw new Error(`start state: ${operation} ${JSON.stringify(args)} succeeded`);
}

function openDatabase(path: string, clock: () => number, keyPath?: string): SqliteStore {
  return openStore({
    path,
    ...(keyPath === undefined ? {} : { keyPath }),
    roles: CONTRACT.roles,
    settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] },
    clock,
    monotonic: clock,
    onBackgroundError: (error) => {
      throw error;
    },
  });
}

/** Copies need not outlive the machine: memory is faster than a disk. */
function memoryDirectory(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
}
