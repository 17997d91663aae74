/** The error of a PostgreSQL server that cannot be used as it is. */
import { DatabaseFileError } from '../../database-file/open-error.js';

/** Printed as other databases that cannot be opened: the problem, then the remedy. Never has a password or a URL. */
export class DatabaseServerError extends DatabaseFileError {
  constructor(problem: string, remedy: string, cause?: unknown) {
    super(problem, remedy, cause);
    this.name = 'DatabaseServerError';
  }
}
