/** Errors of customers, holds and flags. */
import type { ErrorCase, Scene } from './case.js';
import { reason } from './case.js';

/** Opens a hold and returns it with its customer. */
async function held(scene: Scene) {
  const customer_id = await scene.customer();
  await scene.act('crm_loyalty_earn', { customer_id, points: 50 });
  const event = { type: 'purchase', amount: 900, currency: 'USD' };
  const signals = { chargeback: 1, stolen_card: 1 };
  const { hold_id } = await scene.act('crm_customer_fraud_assess', { customer_id, event, signals });
  return { customer_id, hold_id };
}

const resolve = (hold_id: string, resolution: string, expected_revision: number) => ({
  tool: 'crm_customer_hold_resolve',
  args: { hold_id, resolution, expected_revision, reason },
});

async function resolved(scene: Scene, resolution: string) {
  const { hold_id } = await held(scene);
  const { tool, args } = resolve(hold_id, resolution, 1);
  await scene.act(tool, args);
  return hold_id;
}

const refs = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, at) => ({ system: prefix, ref: `${prefix}-${at}` }));

let people = 0;
const nobodyElse = () => {
  people += 1;
  return `person-${people}@example.com`;
};

export const CUSTOMERS: readonly ErrorCase[] = [
  {
    code: 'crm.customer_exists',
    call: async (scene) => {
      const email = nobodyElse();
      await scene.customer({ email });
      return { tool: 'crm_customer_create', args: { customer: { caption: 'Test Person', email } } };
    },
    follow: (told) => told.tool('crm_customer_get', { customer_id: told.detail('existing_customer_id') }),
  },
  {
    code: 'crm.customer_not_active',
    which: 'after a merge',
    call: async (scene) => {
      const [customer_id, loser] = [await scene.customer(), await scene.customer()];
      const merge = { customer_id, merge_customer_ids: [loser], expected_revision: 1, reason };
      await scene.act('crm_customer_merge', merge);
      return { tool: 'crm_loyalty_earn', args: { customer_id: loser, points: 5 } };
    },
    follow: (told) => told.again({ customer_id: told.detail('merged_into_customer_id') }),
  },
  {
    code: 'crm.customer_not_active',
    which: 'after an erasure',
    call: async (scene) => {
      const customer_id = await scene.customer();
      await scene.act('crm_customer_anonymize', { customer_id, expected_revision: 1, reason });
      return { tool: 'crm_loyalty_earn', args: { customer_id, points: 5 } };
    },
  },
  {
    code: 'crm.customer_on_hold',
    call: async (scene) => {
      const { customer_id } = await held(scene);
      return { tool: 'crm_loyalty_redeem', args: { customer_id, points: 5 } };
    },
  },
  {
    code: 'crm.customer_merge_self',
    call: async (scene) => {
      const [customer_id, loser] = [await scene.customer(), await scene.customer()];
      const args = { customer_id, merge_customer_ids: [customer_id, loser], expected_revision: 1, reason };
      return { tool: 'crm_customer_merge', args };
    },
    follow: (told) => {
      const { customer_id, merge_customer_ids } = told.call.args;
      return told.again({ merge_customer_ids: merge_customer_ids.filter((id: string) => id !== customer_id) });
    },
  },
  {
    code: 'crm.customer_merge_limit',
    call: async (scene) => {
      const mark = nobodyElse();
      const customer_id = await scene.customer({ external_refs: refs(15, `a ${mark}`) });
      const loser = await scene.customer({ external_refs: refs(15, `b ${mark}`) });
      const args = { customer_id, merge_customer_ids: [loser], expected_revision: 1, reason };
      return { tool: 'crm_customer_merge', args };
    },
    follow: (told) => told.again({ field_choices: { external_refs: told.call.args.customer_id } }),
  },
  {
    code: 'crm.hold_transition',
    call: async (scene) => resolve(await resolved(scene, 'confirmed'), 'confirmed', 2),
    follow: (told) => told.again({ resolution: told.detail('allowed')[0] }),
  },
  {
    code: 'crm.hold_transition',
    which: 'from a final state',
    call: async (scene) => resolve(await resolved(scene, 'released'), 'confirmed', 2),
  },
  {
    code: 'crm.flag_limit',
    call: async (scene) => {
      const customer_id = await scene.customer();
      const set = (flag: string) => ({ customer_id, flag, active: true, reason });
      for (let flag = 0; flag < 100; flag += 1) await scene.act('crm_customer_flag_set', set(`flag_${flag}`));
      return { tool: 'crm_customer_flag_set', args: set('one_more') };
    },
    follow: async (told) => {
      const { customer_id } = told.call.args;
      const { items } = await told.tool('crm_customer_flag_list', { customer_id });
      const { flag, revision: expected_revision } = items[0];
      await told.tool('crm_customer_flag_set', { customer_id, flag, active: false, expected_revision, reason });
      return told.again();
    },
  },
];
