/** What a test of the built program starts from: a database with an org and a key, made by the admin commands. */
import { runHere } from './run-here.js';

/** Creates an org and a key, in this process: starting the program for each command takes 0.7 s of CPU time. */
export function setUpOrg(db: string, orgcode = 'ACME', roles: readonly string[] = ['--owner']) {
  const made = last.then(() => setUp(db, orgcode, roles));
  last = made.catch(() => {});
  return made;
}

/** The set-up before: commands in one process run one at a time (run-here.ts). */
let last: Promise<unknown> = Promise.resolve();

async function setUp(db: string, orgcode: string, roles: readonly string[]) {
  const umask = process.umask(0o077); // as the program's
  try {
    const made = await runHere(['admin', 'org', 'create', orgcode, '--db', db]);
    if (made.code !== 0 && !made.stderr.includes('exists')) throw new Error(made.stderr);
    const key = await runHere(['admin', 'key', 'create', orgcode, ...roles, '--db', db]);
    if (key.code !== 0) throw new Error(key.stderr);
    return {
      G3N_ORGCODE: orgcode,
      G3N_API_KEY: String(JSON.parse(key.stdout).api_key),
      G3N_LOGICAL_GUID: 'store-1',
      G3N_CHANNEL_CODE: 'pos',
    };
  } finally {
    process.umask(umask);
  }
}
