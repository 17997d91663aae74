/** Fills a SQLite file with customers, points, gift cards, consents and a sealed journal, for measuring copies. */
import { FAMILY_NAMES, GIVEN_NAMES } from '../src/demo/sample-values.js';
import { createIdMint } from '../src/ids.js';
import { createOrg } from '../src/store/administration.js';
import { EMPTY } from '../src/store/customer/customer-handlers.js';
import { CUSTOMER, type CustomerRow, indexCustomer } from '../src/store/customer/customers.js';
import { sealJournal } from '../src/store/engine/journal.js';
import { run, type Scalar } from '../src/store/engine/step.js';
import { insert } from '../src/store/engine/table.js';
import type { SqliteStore } from '../src/store/store.js';

const ORG = 'BENCH';
const BATCH = 10_000;
const START = Date.UTC(2020, 0, 1);
/** Customers get their entries in an order that is not that of their ids, as in a shop. */
const STRIDE = 7919;
/** The ledger of each customer, an entry a round: points earned make a lot, points spent are taken from the first. */
const ENTRIES = [100, 50, -30, 20, -10];
const SPENT = 40;
const SYLLABLES = ['ba', 'do', 'fe', 'gi', 'ka', 'lo', 'mi', 'nu', 'pa', 'ri', 'so', 'te', 'va', 'wi', 'ze', 'ch'];

/** Adds an org with `customers` customers, five ledger entries each, all as the store itself would have written them. */
export async function fillSource(store: SqliteStore, customers: number): Promise<void> {
  const filling = new Filling(store);
  await filling.org();
  filling.batches(customers, (index) => filling.customer(index));
  for (let round = 0; round < ENTRIES.length; round += 1)
    filling.batches(customers, (index) => filling.entry((index * STRIDE) % customers, round));
  filling.batches(customers, (index) => filling.journalRow(index));
  filling.seal();
}

class Filling {
  readonly #store: SqliteStore;
  readonly #mint = createIdMint();
  readonly #ids: string[] = [];
  readonly #firstLots: string[] = [];
  #epoch = START;

  constructor(store: SqliteStore) {
    this.#store = store;
  }

  async org(): Promise<void> {
    const cx = { keys: this.#store.keys, now: this.#now(), newId: () => this.#newId() };
    await this.#store.driver.write({ steps: () => createOrg(cx, ORG, 'verified') });
  }

  /** Adds things in transactions of ten thousand. */
  batches(count: number, add: (index: number) => void): void {
    for (let from = 0; from < count; from += BATCH) {
      this.#store.driver.script('BEGIN IMMEDIATE');
      for (let index = from; index < Math.min(count, from + BATCH); index += 1) add(index);
      this.#store.driver.script('COMMIT');
    }
  }

  /** A customer; every fourth has consents and a birth date, every tenth a gift card. */
  customer(index: number): void {
    const row = this.#customerRow(index);
    this.#store.driver.direct(insert(CUSTOMER, row));
    this.#store.driver.direct(indexCustomer(this.#store.driver, row));
    this.#ids[index] = row.customer_id;
    if (index % 4 === 0) this.#consents(row);
    if (index % 10 === 0) this.#giftcard(row, index);
    this.#run('loyalty_account', [ORG, row.customer_id, 130, 170, 0, null, ENTRIES.length, this.#now()], ACCOUNT);
  }

  #customerRow(index: number): CustomerRow {
    const now = this.#now();
    const day = new Date(START - (index % 20_000) * 86_400_000).toISOString().slice(0, 10);
    return {
      ...EMPTY,
      orgcode: ORG,
      customer_id: this.#newId(),
      caption: `${rareWord(index)} account`,
      email: `c${index}@example.com`,
      phone: `+1212${String(2_000_000 + index).padStart(7, '0')}`,
      given_name: GIVEN_NAMES[index % GIVEN_NAMES.length] ?? null,
      family_name: FAMILY_NAMES[Math.floor(index / 7) % FAMILY_NAMES.length] ?? null,
      ...(index % 4 === 0 ? { birth_date: day, consents: { email_marketing: 'granted' as const } } : {}),
      created_at: now,
      updated_at: now,
    };
  }

  #consents({ customer_id, created_at }: CustomerRow): void {
    const consents = JSON.stringify({ email_marketing: { state: 'granted', set_at: created_at } });
    this.#run('customer_consent', [ORG, customer_id, consents, 1, created_at, created_at]);
    this.#run('customer_consent_history', [ORG, customer_id, 1, 'email_marketing', 'granted', ...CONSENT, created_at]);
    this.#run('customer_consent_granted', [ORG, 'email_marketing', customer_id]);
  }

  #giftcard({ customer_id, created_at }: CustomerRow, index: number): void {
    const id = this.#newId();
    const hash = this.#store.keys.mac('giftcard-code', String(index));
    const amounts = [500, 2000, 'active', customer_id, null, 1, 2, created_at, created_at, created_at];
    this.#run('giftcard', [ORG, id, 'gift_card', hash, null, '****', 'USD', ...amounts], GIFTCARD);
    for (const [no, [kind, amount, after]] of CARD_ENTRIES.entries()) {
      const rest = [null, null, null, null, 'api_key:bench', created_at];
      this.#run('giftcard_txn', [ORG, id, this.#newId(), no + 1, kind, amount, after, ...rest], GIFTCARD_TXN);
    }
  }

  /** The entry of a round in the ledger of a customer, and its lot. */
  entry(index: number, round: number): void {
    const id = this.#newId();
    const customer = this.#ids[index] ?? '';
    const points = ENTRIES[round] ?? 0;
    const lot = points > 0 ? this.#newId() : (this.#firstLots[index] ?? '');
    if (round === 0) this.#firstLots[index] = lot;
    const left = round === 0 ? points - SPENT : points;
    if (points > 0) this.#run('loyalty_lot', [ORG, customer, lot, points, left, 0, null]);
    const balance = ENTRIES.slice(0, round + 1).reduce((sum, each) => sum + each, 0);
    const lots = JSON.stringify([{ lot_id: lot, points, expires_at: null }]);
    const kind = points > 0 ? 'earn' : 'redeem';
    const rest = [null, `order ${round}-${index}`, null, 0, 'store-1', 'pos', 'api_key:bench', this.#now()];
    this.#run('loyalty_txn', [ORG, id, customer, round + 1, kind, points, balance, lots, ...rest], TXN);
  }

  journalRow(index: number): void {
    const id = this.#ids[index] ?? '';
    const request = [`request-${index}`, 'api_key:bench', '["owner"]', '{"logical_guid":"store-1"}'];
    const change = ['/crm/customer/create', id, '["email","phone"]', null, null, null, 1, this.#now()];
    this.#run('journal', [ORG, index + 1, ...request, ...change]);
  }

  seal(): void {
    const { driver, keys } = this.#store;
    driver.script('BEGIN IMMEDIATE');
    while (driver.direct(sealJournal(ORG, keys, driver.dialect.journal, this.#now())) > 0) {
      // there may be more
    }
    driver.script('COMMIT');
  }

  #run(table: string, values: readonly Scalar[], columns = ''): void {
    const sql = `INSERT INTO ${table} ${columns} VALUES (${values.map(() => '?').join(', ')})`;
    this.#store.driver.direct(run(sql, ...values));
  }

  /** Each moment once. */
  #newId(): string {
    this.#epoch += 1;
    return this.#mint(this.#epoch);
  }

  #now(): string {
    return new Date(this.#epoch).toISOString();
  }
}

const ACCOUNT = `(orgcode, customer_id, points_balance, lifetime_points, debt_points, next_expiry_at, last_seq,
  last_entry_at)`;
const TXN = `(orgcode, loyalty_txn_id, customer_id, seq, kind, points, balance_after, lots, related_txn_id, source_ref,
  reason, policy_version, logical_guid, channel_code, actor, created_at)`;
const GIFTCARD = `(orgcode, giftcard_id, kind, code_hash, pin_hash, masked_code, currency, balance_minor, initial_minor,
  status, customer_id, expires_at, revision, last_seq, last_entry_at, created_at, updated_at)`;
const GIFTCARD_TXN = `(orgcode, giftcard_id, giftcard_txn_id, seq, kind, amount_minor, balance_after_minor, source_ref,
  reason, logical_guid, channel_code, actor, created_at)`;
const CARD_ENTRIES = [
  ['issue', 2000, 2000],
  ['redeem', 1500, 500],
] as const;
const CONSENT = ['web', null, null, 'signed up', 'api_key:bench'];

/** A word of four syllables: some fifteen customers of a million share one. */
function rareWord(index: number): string {
  const mixed = (index * 40_503) % 65_536;
  return [0, 4, 8, 12].map((shift) => SYLLABLES[(mixed >> shift) & 15]).join('');
}
