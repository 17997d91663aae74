/**
 * Handlers for B2B accounts and their credit. For contacts see contact-handlers.ts; the rules are in domain/account.ts.
 */
import { conflict, invalidRequest, invalidState, notFound } from '../../contract/errors.js';
import {
  ACCOUNT_TRANSITIONS,
  consumable,
  creditTerms,
  releasable,
  requireNoCreditUsed,
  requireTerms,
} from '../../domain/account.js';
import { normalizeFields } from '../../domain/fields.js';
import { requireTransition } from '../../domain/lifecycle.js';
import { words } from '../../domain/words.js';
import { both, type Condition, equal } from '../engine/condition.js';
import type { Context, Handlers, InputOf, Written } from '../engine/handler.js';
import { type PageQuery, pageOf } from '../engine/page.js';
import { one, type Steps } from '../engine/step.js';
import { emptied, insert, requireRevision, revise } from '../engine/table.js';
import {
  ACCOUNT,
  ACCOUNT_SEARCH,
  type Account,
  type AccountRow,
  indexAccount,
  moveCredit,
  requireAccount,
  requireOpen,
  showAccount,
} from './accounts.js';
import { contacts } from './contact-handlers.js';

type ListInput = InputOf<'account_list'>;
type Patch = Partial<InputOf<'account_create'>['account']> | InputOf<'account_update'>['account'];

/** Bounds the search for a circle; no group of companies is deeper. */
const MAX_ANCESTORS = 16;

const BY_NUMBER = 'SELECT account_id FROM account WHERE orgcode = ? AND account_number = ? AND account_id <> ? LIMIT 1';
const PARENT = 'SELECT parent_account_id FROM account WHERE orgcode = ? AND account_id = ?';

export const account: Handlers<'account'> = {
  ...contacts,

  *account_create(cx, input) {
    const { orgcode, stamp } = cx;
    const blank = { ...EMPTY, orgcode, account_id: cx.newId(), created_at: stamp.now, updated_at: stamp.now };
    const row = { ...blank, ...(yield* decideChanges(cx, blank, input.account)) };
    yield* insert(ACCOUNT, row);
    yield* indexAccount(cx, row);
    return { data: showAccount(row), target_id: row.account_id, fields: Object.keys(input.account) };
  },

  *account_get(cx, input) {
    return showAccount(yield* requireAccount(cx, input.account_id));
  },

  *account_list(cx, input) {
    if (input.parent_account_id !== undefined) yield* requireAccount(cx, input.parent_account_id);
    const { rows, next_token } = yield* pageOf(cx, ACCOUNT, input, {
      endpoint: 'account/list',
      ...leadOf(input),
    });
    return { items: rows.map(showAccount), next_token };
  },

  *account_update(cx, input) {
    const current = yield* requireAccount(cx, input.account_id);
    requireRevision(input.expected_revision, current, showAccount);
    requireOpen(current);
    const next = yield* revise(ACCOUNT, cx, current, yield* decideChanges(cx, current, input.account));
    yield* indexAccount(cx, next, current);
    return written(current, next, Object.keys(input.account));
  },

  *account_status_set(cx, input) {
    const current = yield* requireAccount(cx, input.account_id);
    requireRevision(input.expected_revision, current, showAccount);
    requireTransition('crm.account_transition', ACCOUNT_TRANSITIONS, current.status, input.status);
    if (input.status === 'closed') requireNoCreditUsed(current);
    return written(current, yield* revise(ACCOUNT, cx, current, { status: input.status }), ['status']);
  },

  *account_credit_consume(cx, input) {
    const current = yield* requireAccount(cx, input.account_id);
    requireActiveAccount(current);
    const minor = consumable(current, input);
    return written(current, yield* moveCredit(cx, current, { ...input, kind: 'consume', minor }), ['credit_used']);
  },

  *account_credit_release(cx, input) {
    const current = yield* requireAccount(cx, input.account_id);
    requireOpen(current);
    const minor = releasable(current, input);
    return written(current, yield* moveCredit(cx, current, { ...input, kind: 'release', minor }), ['credit_used']);
  },
};

const EMPTY: Omit<AccountRow, 'orgcode' | 'account_id' | 'created_at' | 'updated_at'> = {
  status: 'draft',
  revision: 1,
  account_number: null,
  legal_name: '',
  trade_name: null,
  tax_id: null,
  terms: null,
  currency: null,
  credit_limit_minor: null,
  credit_used_minor: 0,
  credit_hold: 0,
  billing_address: null,
  shipping_addresses: [],
  parent_account_id: null,
  external_refs: [],
  tags: [],
  attributes: {},
  last_seq: 0,
  last_entry_at: null,
};

function written(before: AccountRow, after: AccountRow, fields: readonly string[]): Written<Account> {
  return { data: showAccount(after), target_id: after.account_id, revision_before: before.revision, fields };
}

/** The changes that a request makes to a row, checked against the row and its org. */
function* decideChanges(cx: Context, current: AccountRow, patch: Patch): Steps<Partial<AccountRow>> {
  const given = normalizeFields('account', patch, cx.settings.defaultRegion);
  const { currency, credit_limit, credit_hold, ...fields } = given;
  requireTerms(fields.terms);
  yield* requireNumberFree(cx, fields.account_number, current.account_id);
  yield* requireParent(cx, fields.parent_account_id, current.account_id);
  return {
    ...emptied<AccountRow>(fields, EMPTY),
    ...creditTerms(current, { currency, credit_limit }),
    ...(credit_hold === undefined ? {} : { credit_hold: credit_hold ? 1 : 0 }),
  };
}

function* requireNumberFree(cx: Context, number: string | null | undefined, self: string): Steps<void> {
  if (number === null || number === undefined) return;
  const taken = yield* one<{ account_id: string }>(BY_NUMBER, cx.orgcode, number, self);
  if (taken === undefined) return;
  throw conflict('crm.account_number_taken', 'Another account has this account_number.', {
    existing_account_id: taken.account_id,
  });
}

/** @throws CrmError 404 when the org has no such parent, 409 when the parent is the account itself or one below it. */
function* requireParent(cx: Context, parent: string | null | undefined, self: string): Steps<void> {
  let id = parent ?? null;
  for (let ancestors = 1; id !== null; ancestors += 1) {
    if (id === self) throw conflict('crm.account_parent_circle', 'An account cannot be above itself.');
    if (ancestors > MAX_ANCESTORS) {
      throw conflict('crm.account_too_deep', `An account has at most ${MAX_ANCESTORS} accounts above it.`);
    }
    const row: { parent_account_id: string | null } | undefined = yield* one(PARENT, cx.orgcode, id);
    if (row === undefined) throw notFound();
    id = row.parent_account_id;
  }
}

/** @throws CrmError 409 `crm.account_not_active`. */
function requireActiveAccount({ status }: AccountRow): void {
  if (status === 'active') return;
  const nextSteps =
    status === 'closed'
      ? ['Ask the user what to do instead: a closed account stays closed.']
      : ['Make it active with crm_account_status_set if the user agrees, then repeat the call.'];
  throw invalidState('crm.account_not_active', `The account is ${status}.`, { status }, nextSteps);
}

/** The index to read first: that of the words if there are any, else of the parent, else of a status. */
function leadOf(input: ListInput): Pick<PageQuery, 'drive' | 'words' | 'passes'> {
  const { q, parent_account_id, status } = input;
  const shown: Condition = status === undefined ? OPEN : equal({ status: status === 'all' ? undefined : status });
  const parent = equal({ parent_account_id });
  if (q !== undefined) {
    const match = { words: queryWords(q), match: 'prefix' } as const;
    return { words: { index: ACCOUNT_SEARCH, match }, passes: both(shown, parent) };
  }
  if (parent_account_id !== undefined) return { drive: parent, passes: shown };
  return status === undefined ? { passes: shown } : { drive: shown };
}

const OPEN: Condition = { sql: [`t.status <> 'closed'`], args: [] };

function queryWords(q: string): readonly string[] {
  const found = words(q);
  if (found.length > 0) return found;
  throw invalidRequest([{ path: 'q', message: 'holds no letter or digit to search for' }]);
}
