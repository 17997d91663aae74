/** Compares the full-text indexes with the records that they find. */
import { accountWords } from '../domain/account.js';
import { ACCOUNT, ACCOUNT_SEARCH } from './account/accounts.js';
import { CUSTOMER, CUSTOMER_SEARCH, indexedWords, isIndexed } from './customer/customers.js';
import type { ReportDisagreement } from './engine/disagreement.js';
import type { SearchIndex, Words } from './engine/search-index.js';
import type { Scalar, Steps } from './engine/step.js';
import { decode } from './engine/table.js';

type Raw = Readonly<Record<string, Scalar>>;

/** The records that full-text search finds, and by which words. */
export const SEARCHED_RECORDS = [
  {
    index: CUSTOMER_SEARCH,
    isIndexed: (raw: Raw): boolean => isIndexed(decode(CUSTOMER, raw)),
    wordsOf: (raw: Raw): Words => indexedWords(decode(CUSTOMER, raw)),
  },
  {
    index: ACCOUNT_SEARCH,
    isIndexed: (): boolean => true,
    wordsOf: (raw: Raw): Words => [accountWords(decode(ACCOUNT, raw))],
  },
] as const;

/**
 * Reports the records of an org that an index would find by other words than theirs. The words are personal data and
 * not reported.
 */
export function* verifySearch(search: SearchIndex, orgcode: string, report: ReportDisagreement): Steps<void> {
  for (const { index, wordsOf } of SEARCHED_RECORDS) {
    for (const { id, stored } of yield* search.compare(index, orgcode, wordsOf)) {
      report(index.name, id, stored, 'the words of the record');
    }
  }
}
