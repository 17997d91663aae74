/** Refuses a database into which a copy has begun and not ended: it has part of the records. */
import { DatabaseFileError } from '../database-file/open-error.js';
import type { Dialect } from './engine/dialect.js';
import type { Steps } from './engine/step.js';

/** The table in which a copy keeps how far it is. It is there until the copy is complete. */
export const COPY_PROGRESS = 'copy_progress';

/** @throws DatabaseFileError when the database is not complete. */
export function* requireFinishedCopy({ catalogue }: Dialect): Steps<void> {
  if (!(yield* catalogue.has(COPY_PROGRESS))) return;
  throw new DatabaseFileError(
    'a copy into this database has not ended',
    'Run the same admin copy again, which goes on where it stopped; or begin with an empty database.',
  );
}
