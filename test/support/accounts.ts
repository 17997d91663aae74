/** Creates accounts of an org, and functions that call the account tools. */
import { type Data, errorOf, ok, type World } from './world.js';

export const CREDIT = { currency: 'USD', credit_limit: 1000 };

/** Returns functions that call the account family as `headers`, or as the owner of ACME. */
export function accountActs(world: World, headers?: Data) {
  const act = (tool: string, args: object): Promise<Data> => ok(world, `crm_account_${tool}`, args, headers);
  const deny = (tool: string, args: object) => errorOf(world, `crm_account_${tool}`, args, headers);
  const open = (account: object = {}): Promise<Data> =>
    act('create', { account: { legal_name: 'Test Company', status: 'active', ...account } });
  const idOf = async (account: object = {}): Promise<string> => (await open(account)).account_id;
  const setStatus = (account_id: string, status: string, expected_revision: number) =>
    ({ account_id, status, expected_revision, reason: 'test' }) as const;
  return { act, deny, open, idOf, setStatus };
}
