/** Numbers journal rows when they are added: with one writer, the order of writing is that of the commits. */
import type { JournalNumbering } from '../engine/dialect.js';
import { JOURNAL_COLUMNS } from '../engine/journal.js';
import { run } from '../engine/step.js';

const APPEND = `INSERT INTO journal (orgcode, journal_no, ${JOURNAL_COLUMNS})
  SELECT ?, COALESCE(MAX(journal_no), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM journal WHERE orgcode = ?`;

export const SQLITE_JOURNAL: JournalNumbering = {
  unnumberedKey: undefined,

  *append(values) {
    yield* run(APPEND, ...values, values[0] ?? null);
  },
  *numberRows() {},
};
