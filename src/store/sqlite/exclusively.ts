/** Runs steps on the writer in one transaction, before the database serves calls. */
import type { Steps } from '../engine/step.js';
import type { SqliteDriver } from './sqlite-driver.js';

/** Another process that does the same waits, and then finds it done. */
export function exclusively<T>(driver: SqliteDriver, steps: () => Steps<T>): T {
  driver.script('BEGIN IMMEDIATE');
  try {
    const value = driver.direct(steps());
    driver.script('COMMIT');
    return value;
  } catch (error) {
    driver.script('ROLLBACK');
    throw error;
  }
}
