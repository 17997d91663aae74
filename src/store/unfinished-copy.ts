/** Refuses a database into which a copy has begun and not ended: it has part of the records. */
import { unfinishedCopy } from '../database-file/open-error.js';
import type { Dialect } from './engine/dialect.js';
import type { Steps } from './engine/step.js';
import { COPY_PROGRESS } from './engine/stored-tables.js';

/** @throws DatabaseFileError when the database is not complete. */
export function* requireFinishedCopy({ catalogue }: Dialect): Steps<void> {
  if (yield* catalogue.has(COPY_PROGRESS)) throw unfinishedCopy();
}
