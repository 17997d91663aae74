/** Looks regularly at an open database, and reports when it stops taking changes and when it takes them again. */
import type { CrmError } from '../contract/errors.js';

/** How often the database's file is looked at. */
const FILE_CHECK_MS = 1000;

export interface OutageWatch {
  /** Why no changes are taken, after a look; undefined while they are. */
  look(): CrmError | undefined;
  stop(): void;
}

/** Called when the database stops taking changes, with the reason, and with undefined when it takes them again. */
export type ReportOutage = (outage: CrmError | undefined) => void;

/** Looks at once and then every second. It does not keep the process alive. */
export function watchOutage(outage: () => CrmError | undefined, report: ReportOutage | undefined): OutageWatch {
  let known: CrmError | undefined;
  const look = () => {
    const found = outage();
    const changed = (found === undefined) !== (known === undefined);
    known = found;
    if (changed) report?.(found);
    return found;
  };
  look();
  const timer = setInterval(look, FILE_CHECK_MS).unref();
  return { look, stop: () => clearInterval(timer) };
}
