/** Creates the records that a soak works on, through the servers under load. */
import { createCustomer } from './operations.js';
import type { Random } from './random.js';
import { perform, type Run, send } from './worker.js';

/** How many records of each kind there are: the fewer, the more often calls meet. */
export interface StartingRecords {
  readonly ledger: number;
  readonly mergeable: number;
  readonly accounts: number;
}

/** Creates customers and active accounts, and notes them in the books. */
export async function setUp(run: Run, random: Random, { ledger, mergeable, accounts }: StartingRecords): Promise<void> {
  for (let index = 0; index < ledger; index += 1)
    await perform(run, createCustomer(run.books, random, 'ledger'), random);
  for (let index = 0; index < mergeable; index += 1)
    await perform(run, createCustomer(run.books, random, 'mergeable'), random);
  for (let index = 0; index < accounts; index += 1) {
    const account = { legal_name: `Soak ${index}`, currency: 'USD', credit_limit: 5000 };
    const { data } = await send(run, '/account/create', { account }, random);
    const id = data.account_id;
    const change = { account_id: id, status: 'active', expected_revision: 1, reason: 'soak' };
    await send(run, '/account/status/set', change, random);
    run.books.accounts.push({ id, used: 0 });
  }
}
