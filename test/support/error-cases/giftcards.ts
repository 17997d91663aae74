/** Errors of gift cards. */
import { type ErrorCase, reason, type Scene } from './case.js';

const issue = (fields: object = {}) => ({ amount: 25, currency: 'USD', reason, ...fields });

async function card({ act }: Scene, fields: object = {}): Promise<string> {
  return (await act('crm_giftcard_issue', issue(fields))).giftcard_id;
}

const redeem = (giftcard_id: string, amount = 25, currency = 'USD') => ({
  tool: 'crm_giftcard_redeem',
  args: { giftcard_id, amount, currency },
});

let codes = 0;

export const GIFT_CARDS: readonly ErrorCase[] = [
  {
    code: 'crm.giftcard_code_taken',
    call: async (scene) => {
      codes += 1;
      const args = issue({ code: `SUMMER${String(codes).padStart(4, '0')}` });
      await scene.act('crm_giftcard_issue', args);
      return { tool: 'crm_giftcard_issue', args };
    },
    follow: (told) => told.again({ code: undefined }),
  },
  {
    code: 'crm.giftcard_exhausted',
    call: async (scene) => {
      const { tool, args } = redeem(await card(scene));
      await scene.act(tool, args);
      return { tool, args };
    },
  },
  {
    code: 'crm.giftcard_expired',
    call: async (scene) => {
      const { epoch_ms } = scene.world.application.pipeline.makeStamp({} as never);
      const giftcard_id = await card(scene, { expires_at: new Date(epoch_ms + 60_000).toISOString() });
      scene.pass(120_000);
      return redeem(giftcard_id);
    },
  },
  {
    code: 'crm.giftcard_blocked',
    call: async (scene) => {
      const giftcard_id = await card(scene);
      await scene.world.sql(`UPDATE giftcard SET status = 'blocked' WHERE giftcard_id = ?`, giftcard_id);
      return redeem(giftcard_id);
    },
  },
  {
    code: 'crm.giftcard_currency_mismatch',
    call: async (scene) => redeem(await card(scene), 5, 'EUR'),
    follow: (told) => told.again({ currency: told.detail('currency') }),
  },
  {
    code: 'crm.giftcard_insufficient_balance',
    which: 'in part',
    call: async (scene) => redeem(await card(scene), 40),
    follow: (told) => told.again({ allow_partial: true }),
  },
  {
    code: 'crm.giftcard_insufficient_balance',
    which: 'for less',
    call: async (scene) => redeem(await card(scene), 40),
    follow: (told) => told.again({ amount: told.detail('available') }),
  },
];
