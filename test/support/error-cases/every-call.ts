/** Errors of any call, of what a connection has, and of confirmation. */
import type { Backend } from '../../../src/contract/backend.js';
import { insufficientScope } from '../../../src/pipeline/authorise.js';
import { storageUnavailable } from '../../../src/store/engine/driver.js';
import { tokenCheckUnavailable } from '../../../src/transport/bearer.js';
import { openConfirming } from '../confirming.js';
import { performing } from '../performing.js';
import { addOrg, type Data, errorOf, type World } from '../world.js';
import { type ErrorCase, NO_RECORD, reason, type Scene } from './case.js';

const SALE = { points: 5, reason };

/** The headers of the owner, some of them changed. */
async function headersWith({ world }: Scene, changes: object) {
  return { ...(await world.headers()), ...changes };
}

async function earning(scene: Scene, more: object = {}) {
  return { tool: 'crm_loyalty_earn', args: { customer_id: await scene.customer(), ...SALE, ...more } };
}

/** The world's application, whose backend fails once. */
function failingOnce({ application }: World, error: Error): World['application'] {
  const { backend } = application.pipeline;
  let failed = false;
  const perform: Backend['perform'] = (call) => {
    if (failed) return backend.perform(call);
    failed = true;
    return Promise.reject(error);
  };
  return { ...application, pipeline: { ...application.pipeline, backend: performing(backend, perform) } };
}

async function redeemingWithConsent(scene: Scene, more: object = {}) {
  const customer_id = await scene.customer();
  await scene.act('crm_loyalty_earn', { customer_id, points: 50 });
  const { application } = openConfirming(scene.world, 'all');
  return { tool: 'crm_loyalty_redeem', args: { customer_id, points: 5, ...more }, application };
}

const NO_CONTEXT = { 'x-logical-guid': undefined, 'x-channel-code': undefined } as Data;

export const EVERY_CALL: readonly ErrorCase[] = [
  {
    code: 'crm.malformed_body',
    call: async () => {
      let deep: Data = 1;
      for (let level = 0; level < 40; level += 1) deep = { deeper: deep };
      return { tool: 'crm_customer_create', args: { customer: { caption: 'Deep', attributes: deep } } };
    },
    follow: (told) => told.corrected({ customer: { caption: 'Deep', attributes: { depth: 1 } } }),
  },
  {
    code: 'crm.body_too_large',
    call: async () => ({ tool: 'crm_customer_create', args: { customer: { caption: 'x'.repeat(300_000) } } }),
    follow: (told) => told.corrected({ customer: { caption: 'Shorter' } }),
  },
  {
    code: 'crm.orgcode_required',
    call: async (scene) => ({
      tool: 'crm_stat',
      args: {},
      headers: await headersWith(scene, { 'x-orgcode': undefined }),
    }),
  },
  {
    code: 'crm.credentials_required',
    call: async () => ({ tool: 'crm_stat', args: {}, headers: { 'x-orgcode': 'ACME' } }),
  },
  {
    code: 'crm.credentials_invalid',
    call: async () => ({ tool: 'crm_stat', args: {}, headers: { 'x-orgcode': 'ACME', 'x-api-key': 'unknown' } }),
  },
  {
    code: 'crm.token_check_unavailable',
    call: async (scene) => ({
      tool: 'crm_customer_get',
      args: { customer_id: await scene.customer() },
      application: failingOnce(scene.world, tokenCheckUnavailable()),
    }),
    follow: (told) => told.again(),
  },
  {
    code: 'crm.insufficient_scope',
    call: async (scene) => ({
      ...(await earning(scene)),
      application: failingOnce(scene.world, insufficientScope(['crm.write'])),
    }),
  },
  {
    code: 'crm.not_found',
    call: async (scene) => {
      await scene.customer({ caption: 'Wanted Person', email: 'wanted@example.com' }).catch(() => undefined);
      return { tool: 'crm_customer_get', args: { customer_id: NO_RECORD } };
    },
    follow: async (told) => {
      const { items } = await told.find('crm_customer_search', { email: 'wanted@example.com' });
      return told.again({ customer_id: items[0].customer_id });
    },
  },
  {
    code: 'crm.forbidden',
    call: async ({ world }) => ({
      tool: 'crm_customer_create',
      args: { customer: { caption: 'Test Person' } },
      headers: await world.headers('crm_view'),
    }),
  },
  {
    code: 'crm.forbidden',
    which: 'to rewrite a comment of somebody else',
    call: async (scene) => {
      const comment = { target_type: 'customer', target_id: await scene.customer(), body: 'Seen' };
      const { comment_id } = await scene.act('crm_comment', { comment });
      return {
        tool: 'crm_comment_revise',
        args: { comment_id, body: 'Seen twice', expected_revision: 1 },
        headers: await scene.world.headers('crm_manage'),
      };
    },
    follow: async (told) => {
      const { comment_id } = await told.call.args;
      const { target_id, target_type } = await told.read('crm_comment_get', { comment_id });
      const comment = { target_type, target_id, parent_comment_id: comment_id, body: 'Seen twice' };
      return told.tool('crm_comment', { comment });
    },
  },
  {
    code: 'crm.org_write_blocked',
    call: async ({ world }) => {
      await world.admin((cx) => addOrg(cx, 'WAITING', 'unverified')).catch(() => undefined);
      const headers = await world.headers('owner', 'WAITING');
      return { tool: 'crm_customer_create', args: { customer: { caption: 'Test Person' } }, headers };
    },
  },
  {
    code: 'crm.logical_guid_required',
    call: async (scene) => ({
      ...(await earning(scene, { channel_code: 'pos' })),
      headers: await headersWith(scene, NO_CONTEXT),
    }),
    follow: (told) => told.again({ logical_guid: 'store-1' }),
  },
  {
    code: 'crm.channel_code_required',
    call: async (scene) => ({
      ...(await earning(scene, { logical_guid: 'store-1' })),
      headers: await headersWith(scene, NO_CONTEXT),
    }),
    follow: (told) => told.again({ channel_code: 'pos' }),
  },
  {
    code: 'crm.logical_guid_invalid',
    call: async (scene) => ({
      ...(await earning(scene, { logical_guid: 'store 1', channel_code: 'pos' })),
      headers: await headersWith(scene, NO_CONTEXT),
    }),
    follow: (told) => told.again({ logical_guid: 'store-1' }),
  },
  {
    code: 'crm.channel_code_invalid',
    call: async (scene) => ({
      ...(await earning(scene, { logical_guid: 'store-1', channel_code: 'p.o.s' })),
      headers: await headersWith(scene, NO_CONTEXT),
    }),
    follow: (told) => told.again({ channel_code: 'pos' }),
  },
  {
    code: 'crm.cccode_invalid',
    call: async (scene) => earning(scene, { cccode: 'AB12' }),
    follow: (told) => told.again({ cccode: undefined }),
  },
  {
    code: 'crm.context_mismatch',
    call: async (scene) => earning(scene, { logical_guid: 'store-2' }),
    follow: (told) => told.again({ logical_guid: undefined }),
  },
  {
    code: 'crm.validation_failed',
    call: async () => ({ tool: 'crm_customer_search', args: { query: 'Person', limit: 'many' } }),
    follow: (told) => {
      const wrong = told.detail('issues').map(({ path }: Data) => path);
      if (!['query', 'limit'].every((path) => wrong.includes(path))) throw new Error(`issues at ${wrong.join()}`);
      return told.corrected({ q: 'Person' });
    },
  },
  {
    code: 'crm.invalid_token',
    call: async () => ({ tool: 'crm_customer_list', args: { next_token: 'altered' } }),
    follow: (told) => told.again({ next_token: undefined }),
  },
  {
    code: 'crm.expected_revision_required',
    call: async (scene) => ({
      tool: 'crm_customer_update',
      args: { customer_id: await scene.customer(), customer: { caption: 'New Name' } },
    }),
    follow: async (told) => {
      const { customer_id } = told.call.args;
      const { revision } = await told.tool('crm_customer_get', { customer_id });
      return told.again({ expected_revision: revision });
    },
  },
  {
    code: 'crm.conflict_revision',
    call: async (scene) => ({
      tool: 'crm_customer_update',
      args: { customer_id: await scene.customer(), customer: { caption: 'New Name' }, expected_revision: 9 },
    }),
    follow: (told) => told.again({ expected_revision: told.snapshot().revision }),
  },
  {
    code: 'crm.idempotency_mismatch',
    call: async (scene) => {
      const { tool, args } = await earning(scene);
      const idempotency_key = `key of ${args.customer_id}`;
      await scene.act(tool, { ...args, idempotency_key });
      return { tool, args: { ...args, points: 6, idempotency_key } };
    },
    follow: (told) => told.again({ idempotency_key: `new ${told.call.args.idempotency_key}` }),
  },
  {
    code: 'crm.throttled',
    call: async ({ world, act }) => {
      const { giftcard_id, pin } = await act('crm_giftcard_issue', {
        amount: 5,
        currency: 'USD',
        generate_pin: true,
        reason,
      });
      const wrong = pin === '0000' ? '1111' : '0000';
      for (let tries = 0; tries < 10; tries += 1) await errorOf(world, 'crm_giftcard_get', { giftcard_id, pin: wrong });
      return { tool: 'crm_giftcard_get', args: { giftcard_id, pin } };
    },
    follow: (told, { pass }) => {
      pass(told.detail('retry_after_ms'));
      return told.again();
    },
  },
  {
    code: 'crm.internal',
    which: 'of a read',
    call: async (scene) => ({
      tool: 'crm_customer_get',
      args: { customer_id: await scene.customer() },
      application: failingOnce(scene.world, new Error('a defect')),
    }),
    follow: (told) => told.again(),
  },
  {
    code: 'crm.internal',
    which: 'of a write',
    call: async (scene) => ({
      ...(await earning(scene, { idempotency_key: 'a sale' })),
      application: failingOnce(scene.world, new Error('a defect')),
    }),
    follow: async (told) => {
      const { customer_id } = told.call.args;
      const { items } = await told.tool('crm_loyalty_ledger_list', { customer_id });
      if (items.length > 0) throw new Error('it happened');
      return told.again();
    },
  },
  {
    code: 'crm.storage_unavailable',
    call: async (scene) => ({
      ...(await earning(scene)),
      application: failingOnce(scene.world, storageUnavailable(new Error('locked'))),
    }),
    follow: (told) => told.again(),
  },
  {
    code: 'crm.tool_not_enabled',
    call: async (scene) => ({
      tool: 'crm_customer_list',
      args: {},
      headers: await headersWith(scene, { 'x-mcp-toolsets': 'giftcard' }),
    }),
  },
  {
    code: 'crm.operation_unknown',
    lean: true,
    call: async () => ({ tool: 'crm_call', args: { operation: 'crm_customers_list' } }),
    follow: (told) => told.again({ operation: told.detail('nearest')[0] }),
  },
  {
    code: 'crm.operation_unknown',
    which: 'looked up',
    lean: true,
    call: async () => ({ tool: 'crm_describe_operation', args: { operation: 'earn_points' } }),
    follow: async (told) => {
      const { operations } = await told.tool('crm_find_operations', { query: 'earn points' });
      return told.again({ operation: operations[0].name });
    },
  },
  {
    code: 'crm.confirmation_required',
    call: (scene) => redeemingWithConsent(scene),
    follow: (told) => {
      told.detail('preview');
      return told.again({ confirm_token: told.detail('confirm_token') });
    },
  },
  { code: 'crm.confirmation_required', which: 'unless the user agrees', call: (scene) => redeemingWithConsent(scene) },
  {
    code: 'crm.confirmation_invalid',
    call: (scene) => redeemingWithConsent(scene, { confirm_token: 'made up' }),
    follow: async (told) => {
      const preview = await told.againFails('crm.confirmation_required', { confirm_token: undefined });
      return preview.again({ confirm_token: preview.detail('confirm_token') });
    },
  },
];
