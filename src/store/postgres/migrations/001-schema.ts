/**
 * The whole schema of PostgreSQL, as SQLite's is after its fourth migration; by area in the files beside this one. It is
 * written out, because an applied migration never changes; a test compares the catalogues of both engines.
 */
import { BUSINESS_TABLES } from './001-businesses.js';
import { CUSTOMER_TABLES } from './001-customers.js';
import { IDENTITY_TABLES } from './001-identity.js';
import { RECORD_TABLES } from './001-records.js';
import { VALUE_TABLES } from './001-values.js';
import { APPEND_ONLY_FUNCTION } from './table-rules.js';
import { WORD_TABLES } from './word-tables.js';

export const SCHEMA = [
  APPEND_ONLY_FUNCTION,
  IDENTITY_TABLES,
  CUSTOMER_TABLES,
  VALUE_TABLES,
  BUSINESS_TABLES,
  RECORD_TABLES,
  WORD_TABLES,
].join('\n');
