/** Numbers journal rows when they are added: with one writer, the order of writing is that of the commits. */
import type { JournalNumbering } from '../engine/dialect.js';
import { JOURNAL_COLUMNS } from '../engine/journal.js';
import { run } from '../engine/step.js';

/** No INSERT … SELECT: for one of those SQLite begins a savepoint, at which FTS5 writes out what it collected. */
const APPEND = `INSERT INTO journal (orgcode, journal_no, ${JOURNAL_COLUMNS})
  VALUES (?, (SELECT COALESCE(MAX(journal_no), 0) + 1 FROM journal WHERE orgcode = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export const SQLITE_JOURNAL: JournalNumbering = {
  unnumberedKey: undefined,

  *append(values) {
    yield* run(APPEND, values[0] ?? null, ...values);
  },
  *numberRows() {},
};
