/** Errors of the points ledger. Each programme is an org of its own. */
import { DAY_MS, openProgramme } from '../loyalty.js';
import { type ErrorCase, reason, type Scene } from './case.js';

const PRICED = { earn: { mode: 'per_amount', points_per_unit: 1, currency: 'USD' } };
const MOST = 1_000_000_000_000;

/** A call of a loyalty tool on a customer who has earned 50 points under a policy. */
async function after(scene: Scene, policy: object, tool: string, args: object) {
  const { headers, customer_id, earn } = await openProgramme(scene.world, policy);
  await earn(50);
  return { tool: `crm_loyalty_${tool}`, args: { customer_id, ...args }, headers };
}

/** A call of a correction on the entry that `entry` makes after 50 points were earned. */
async function correcting(
  scene: Scene,
  tool: 'restore' | 'reverse',
  entry: (programme: Awaited<ReturnType<typeof openProgramme>>) => Promise<{ loyalty_txn_id: string }>,
  args: object = {},
) {
  const programme = await openProgramme(scene.world);
  const { loyalty_txn_id } = await entry(programme);
  return { tool: `crm_loyalty_${tool}`, args: { loyalty_txn_id, reason, ...args }, headers: programme.headers };
}

/** A redemption of points that have expired since, to be restored. */
async function expired(scene: Scene) {
  return correcting(scene, 'restore', async ({ credit, redeem }) => {
    await credit(50, scene.world.application.pipeline.makeStamp({} as never).epoch_ms + DAY_MS);
    const txn = await redeem(20);
    scene.pass(2 * DAY_MS);
    return txn;
  });
}

async function spent(scene: Scene) {
  return correcting(scene, 'reverse', async ({ earn, redeem }) => {
    const txn = await earn(50);
    await redeem(20);
    return txn;
  });
}

const goodwill = { points: 10, reason };

export const LOYALTY: readonly ErrorCase[] = [
  {
    code: 'crm.loyalty_disabled',
    call: async (scene) => {
      const { headers, customer_id } = await openProgramme(scene.world, { enabled: false });
      return { tool: 'crm_loyalty_earn', args: { customer_id, points: 5 }, headers };
    },
  },
  {
    code: 'crm.loyalty_insufficient_points',
    call: (scene) => after(scene, {}, 'redeem', { points: 80 }),
    follow: (told) => told.again({ points: told.detail('available') }),
  },
  {
    code: 'crm.loyalty_cap_exceeded',
    which: 'upwards',
    call: (scene) => after(scene, { redeem: { max_points_per_txn: 20 } }, 'redeem', { points: 30 }),
    follow: (told) => told.again({ points: told.detail('allowed') }),
  },
  {
    code: 'crm.loyalty_cap_exceeded',
    which: 'downwards',
    call: (scene) => after(scene, { redeem: { min_points: 20 } }, 'redeem', { points: 10 }),
    follow: (told) => told.again({ points: told.detail('allowed') }),
  },
  {
    code: 'crm.loyalty_step',
    call: (scene) => after(scene, { redeem: { step: 20 } }, 'redeem', { points: 30 }),
    follow: (told) => told.again({ points: told.detail('step') }),
  },
  {
    code: 'crm.loyalty_purchase_not_priced',
    call: (scene) => after(scene, {}, 'earn', { purchase: { amount: 20, currency: 'USD' } }),
    follow: (told) => told.again({ purchase: undefined, points: 20 }),
  },
  {
    code: 'crm.loyalty_currency_mismatch',
    call: (scene) => after(scene, PRICED, 'earn', { purchase: { amount: 20, currency: 'EUR' } }),
    follow: (told) => told.again({ purchase: { amount: 20, currency: told.detail('policy_currency') } }),
  },
  {
    code: 'crm.loyalty_no_points',
    call: (scene) => after(scene, PRICED, 'earn', { purchase: { amount: 0.2, currency: 'USD' } }),
  },
  {
    code: 'crm.loyalty_limit',
    call: (scene) => after(scene, {}, 'earn', { points: MOST }),
  },
  {
    code: 'crm.loyalty_not_a_redeem',
    call: (scene) => correcting(scene, 'restore', ({ earn }) => earn(50)),
    follow: (told) => told.tool('crm_loyalty_reverse', told.call.args),
  },
  {
    code: 'crm.loyalty_nothing_to_restore',
    call: (scene) =>
      correcting(scene, 'restore', async ({ earn, redeem, act }) => {
        await earn(50);
        const txn = await redeem(20);
        await act('restore', { loyalty_txn_id: txn.loyalty_txn_id, reason });
        return txn;
      }),
    follow: (told, { world }) => ledgerOf(told, world),
  },
  {
    code: 'crm.loyalty_restore_exceeds',
    call: (scene) =>
      correcting(
        scene,
        'restore',
        async ({ earn, redeem }) => {
          await earn(50);
          return redeem(20);
        },
        { points: 30 },
      ),
    follow: (told) => told.again({ points: told.detail('left') }),
  },
  { code: 'crm.loyalty_points_expired', call: expired },
  {
    code: 'crm.loyalty_points_expired',
    which: 'if goodwill is wanted',
    call: expired,
    follow: async (told, { world }) =>
      told.tool('crm_loyalty_adjust', { customer_id: await customerOf(told, world), ...goodwill }),
  },
  { code: 'crm.loyalty_points_spent', call: spent },
  {
    code: 'crm.loyalty_points_spent',
    which: 'if what is left is to be taken',
    call: spent,
    follow: async (told, { world }) => {
      const customer_id = await customerOf(told, world);
      return told.tool('crm_loyalty_adjust', { customer_id, points: -told.detail('available'), reason });
    },
  },
  {
    code: 'crm.loyalty_not_reversible',
    call: (scene) =>
      correcting(scene, 'reverse', async ({ earn, act }) => {
        const { loyalty_txn_id } = await earn(50);
        return act('reverse', { loyalty_txn_id, reason });
      }),
    follow: async (told, { world }) =>
      told.tool('crm_loyalty_adjust', { customer_id: await customerOf(told, world), ...goodwill }),
  },
  {
    code: 'crm.loyalty_already_reversed',
    call: (scene) =>
      correcting(scene, 'reverse', async ({ earn, act }) => {
        const txn = await earn(50);
        await act('reverse', { loyalty_txn_id: txn.loyalty_txn_id, reason });
        return txn;
      }),
    follow: async (told, { world }) => {
      const { items } = await ledgerOf(told, world);
      const reversal = told.detail('reversed_by_txn_id');
      if (!items.some((txn: { loyalty_txn_id: string }) => txn.loyalty_txn_id === reversal))
        throw new Error('not there');
    },
  },
];

type Follow = Required<ErrorCase>['follow'];

/** The customer of the entry of a correction; an agent knows it already. */
async function customerOf(told: Parameters<Follow>[0], world: Scene['world']): Promise<string> {
  const sql = 'SELECT customer_id FROM loyalty_txn WHERE loyalty_txn_id = ?';
  const [row] = await world.sql(sql, told.call.args.loyalty_txn_id);
  return row.customer_id;
}

async function ledgerOf(told: Parameters<Follow>[0], world: Scene['world']) {
  return told.tool('crm_loyalty_ledger_list', { customer_id: await customerOf(told, world) });
}
