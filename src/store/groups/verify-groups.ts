/** Verifies every group, and that directory and groups agree on where each org is at home. */
import type { Disagreement } from '../engine/disagreement.js';
import type { Driver } from '../engine/driver.js';
import { all, type Steps } from '../engine/step.js';
import type { HomeState, OrgHome } from '../postgres/org-home.js';
import type { Verification } from '../verify-store.js';
import { allEntries, type DirectoryEntry } from './group-directory.js';
import type { GroupedStore } from './grouped-store.js';

export interface GroupsVerification extends Verification {
  /** What was found in each group. */
  readonly groups: Readonly<Record<string, Omit<Verification, 'disagreements'>>>;
}

type Verify = (driver: Driver, onStep: (text: string) => void) => Verification | Promise<Verification>;

const HOMES = 'SELECT orgcode, epoch, state, copied_to FROM org_home ORDER BY orgcode';
const ORGS = 'SELECT orgcode FROM org ORDER BY orgcode';

/** Runs `verify` on each group. @param onStep called before each part of the work */
export async function verifyGroups(
  store: GroupedStore,
  verify: Verify,
  onStep: (text: string) => void,
): Promise<GroupsVerification> {
  const groups: Record<string, Omit<Verification, 'disagreements'>> = {};
  const disagreements: Disagreement[] = [];
  const sums = {
    orgs: 0,
    ledger_entries: 0,
    giftcard_entries: 0,
    credit_entries: 0,
    journal_rows: 0,
    unsealed_rows: 0,
  };
  for (const [name, { driver }] of store.groups) {
    const { disagreements: found, ...numbers } = await verify(driver, (text) => onStep(`group ${name}, ${text}`));
    groups[name] = numbers;
    disagreements.push(...found);
    for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += numbers[key];
  }
  onStep('the directory');
  return { ...sums, groups, disagreements: [...disagreements, ...(await verifyDirectory(store))] };
}

/** Where an org should be: at home in the group of its entry, with its row in `org`, and in no other. */
async function verifyDirectory(store: GroupedStore): Promise<readonly Disagreement[]> {
  const entries = await store.driver.read(allEntries, { isLong: true });
  const found: Disagreement[] = [];
  const byOrg = new Map(entries.map((entry) => [entry.orgcode, entry]));
  for (const [name, { driver }] of store.groups) {
    const { homes, orgs } = await driver.read(homesAndOrgs, { isLong: true });
    for (const orgcode of new Set([...orgs, ...homes.keys(), ...entriesOf(entries, name)])) {
      const expected = expectedState(byOrg.get(orgcode), name);
      const state = homes.get(orgcode)?.state ?? 'absent';
      const report = (check: string, stored: string, computed: string) =>
        found.push({ check, orgcode, id: name, stored, computed });
      if (!expected.includes(state)) report('home of the org', state, expected.join(' or '));
      const isHome = state === 'home' || state === 'leaving';
      if (isHome && !orgs.has(orgcode)) report('org', 'absent', state);
    }
  }
  return found;
}

function entriesOf(entries: readonly DirectoryEntry[], group: string): readonly string[] {
  return entries.filter(({ group_name }) => group_name === group).map(({ orgcode }) => orgcode);
}

const AWAY: readonly (HomeState | 'absent')[] = ['absent', 'gone'];

function expectedState(entry: DirectoryEntry | undefined, group: string): readonly (HomeState | 'absent')[] {
  if (entry === undefined) return AWAY;
  const { group_name, state, to_group } = entry;
  if (group_name === group) return state === 'home' ? ['home'] : ['home', 'leaving', 'gone', 'arriving'];
  return to_group === group ? [...AWAY, 'arriving'] : state === 'opening' ? [...AWAY, 'leaving'] : AWAY;
}

function* homesAndOrgs(): Steps<{ homes: ReadonlyMap<string, OrgHome>; orgs: ReadonlySet<string> }> {
  const homes = yield* all<OrgHome>(HOMES);
  const orgs = yield* all<{ orgcode: string }>(ORGS);
  return {
    homes: new Map(homes.map((home) => [home.orgcode, home])),
    orgs: new Set(orgs.map(({ orgcode }) => orgcode)),
  };
}
