/** The SQL of SQLite where it differs from that of other engines. */
import type { Dialect } from '../engine/dialect.js';
import { SQLITE_CATALOGUE } from './sqlite-catalogue.js';
import { SQLITE_JOURNAL } from './sqlite-journal.js';
import { SQLITE_MONTHS } from './sqlite-months.js';

export const SQLITE_DIALECT: Dialect = {
  orderedJoin: 'CROSS JOIN',
  seesAllOrgs: true,
  hasManyWriters: false,
  journal: SQLITE_JOURNAL,
  months: SQLITE_MONTHS,
  catalogue: SQLITE_CATALOGUE,
};
