/** Deletes what is left of an org in a group that is not its home any more. */
import { AdminError } from '../administration.js';
import { run, type Steps } from '../engine/step.js';
import { deleteLeftOver } from '../postgres/moved-rows.js';
import { tablesOfOrgs } from '../postgres/moved-tables.js';
import { findHome } from '../postgres/org-home.js';
import { groupOf } from './group-administration.js';
import type { GroupedStore } from './grouped-store.js';
import { alone, existingEntry } from './move-org.js';

const LONG = { isLong: true } as const;

/** Run again after an interruption, it goes on. @throws AdminError when the org is not gone from the group. */
export async function forgetOrg(
  store: GroupedStore,
  code: string,
  group: string,
  onStep: (text: string) => void,
): Promise<object> {
  const orgcode = code.trim().toUpperCase();
  const { driver } = groupOf(store, group);
  return await alone(store.driver, orgcode, async () => {
    const entry = await existingEntry(store, orgcode);
    const home = await driver.read(() => findHome(orgcode));
    if (home === undefined) throw new AdminError(`nothing is left of org ${orgcode} in ${group}`);
    if (entry.state !== 'home' || entry.group_name === group || home.state !== 'gone')
      throw new AdminError(`org ${orgcode} is not gone from ${group}: only what is left over can be forgotten`);
    let rows = 0;
    for (const table of await driver.read(tablesOfOrgs)) {
      let deleted = 1;
      while (deleted > 0) {
        deleted = await driver.write({ steps: () => deleteLeftOver(table, orgcode), ...LONG });
        rows += deleted;
        onStep(`deleted ${rows} rows, last of ${table.name}`);
      }
    }
    await driver.write({ steps: () => forgetHome(orgcode), ...LONG });
    return { orgcode, group, rows };
  });
}

function* forgetHome(orgcode: string): Steps<void> {
  yield* run(`DELETE FROM org_home WHERE orgcode = ? AND state = 'gone'`, orgcode);
}
