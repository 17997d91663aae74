/** Compares the full-text indexes with the records that they find. */
import { accountWords } from '../domain/account.js';
import { ACCOUNT, ACCOUNT_SEARCH } from './account/accounts.js';
import { CUSTOMER, CUSTOMER_SEARCH, indexedWords } from './customer/customers.js';
import type { ReportDisagreement } from './engine/disagreement.js';
import type { SearchIndex, Words } from './engine/search-index.js';
import type { Scalar, Steps } from './engine/step.js';
import { decode } from './engine/table.js';

type Raw = Record<string, Scalar>;

const INDEXES = [
  { table: CUSTOMER_SEARCH, wordsOf: (raw: Raw): Words => indexedWords(decode(CUSTOMER, raw)) },
  { table: ACCOUNT_SEARCH, wordsOf: (raw: Raw): Words => [accountWords(decode(ACCOUNT, raw))] },
];

/**
 * Reports the records of an org that an index would find by other words than theirs. The words are personal data and
 * not reported.
 */
export function* verifySearch(search: SearchIndex, orgcode: string, report: ReportDisagreement): Steps<void> {
  for (const { table, wordsOf } of INDEXES) {
    for (const { id, stored } of yield* search.compare(table, orgcode, wordsOf)) {
      report(table.name, id, stored, 'the words of the record');
    }
  }
}
