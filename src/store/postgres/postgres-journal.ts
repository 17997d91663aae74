/**
 * Numbers journal rows when they are sealed. A number given when a row is added would make all writers of an org wait
 * for each other, and could be committed after a higher one.
 */
import type { JournalNumbering } from '../engine/dialect.js';
import { JOURNAL_COLUMNS } from '../engine/journal.js';
import { run } from '../engine/step.js';

const APPEND = `INSERT INTO journal (orgcode, ${JOURNAL_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const NUMBER = `UPDATE journal SET journal_no = n.journal_no
  FROM (SELECT entry_no, ? + ROW_NUMBER() OVER (ORDER BY entry_no) AS journal_no FROM journal
    WHERE orgcode = ? AND journal_no IS NULL ORDER BY entry_no LIMIT ?) n
  WHERE journal.orgcode = ? AND journal.entry_no = n.entry_no`;

export const POSTGRES_JOURNAL: JournalNumbering = {
  unnumberedKey: 'entry_no',

  *append(values) {
    yield* run(APPEND, ...values);
  },
  *numberRows(orgcode, last, limit) {
    yield* run(NUMBER, last, orgcode, limit, orgcode);
  },
};
