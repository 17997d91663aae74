/** Errors of accounts, their contacts and their credit, and of tax certificates. */
import { type ErrorCase, reason, type Scene } from './case.js';

let numbers = 0;

async function account({ act }: Scene, fields: object = {}) {
  const account = { legal_name: 'Tide Ltd', status: 'active', currency: 'USD', credit_limit: 1000, ...fields };
  return (await act('crm_account_create', { account })).account_id as string;
}

const setStatus = (account_id: string, status: string, expected_revision: number) => ({
  tool: 'crm_account_status_set',
  args: { account_id, status, expected_revision, reason },
});

async function closed(scene: Scene) {
  const account_id = await account(scene);
  const { tool, args } = setStatus(account_id, 'closed', 1);
  await scene.act(tool, args);
  return account_id;
}

const consume = (account_id: string, amount: number, currency = 'USD') => ({
  tool: 'crm_account_credit_consume',
  args: { account_id, amount, currency, reason },
});

async function contact(scene: Scene, status?: string) {
  const account_id = await account(scene);
  const contact = { account_id, caption: 'Some Buyer', role: 'buyer' };
  const { account_contact_id } = await scene.act('crm_account_contact_create', { contact });
  if (status !== undefined) {
    const { tool, args } = setContact(account_contact_id, status, 1);
    await scene.act(tool, args);
  }
  return account_contact_id as string;
}

const setContact = (account_contact_id: string, status: string, expected_revision: number) => ({
  tool: 'crm_account_contact_status_set',
  args: { account_contact_id, status, expected_revision, reason },
});

const updateContact = (account_contact_id: string, contact: object) => ({
  tool: 'crm_account_contact_update',
  args: { account_contact_id, contact, expected_revision: 2 },
});

const setCertificate = (certificate_id: string, status: string, expected_revision: number) => ({
  tool: 'crm_exemption_certificate_status_set',
  args: { certificate_id, status, expected_revision, reason },
});

async function certificate(scene: Scene) {
  const kind = { certificate_number: 'NY-1', jurisdiction: { country: 'US', region: 'NY' }, exemption_type: 'resale' };
  const certificate = { customer_id: await scene.customer(), ...kind };
  return (await scene.act('crm_exemption_certificate_create', { certificate })).certificate_id as string;
}

export const ACCOUNTS: readonly ErrorCase[] = [
  {
    code: 'crm.account_closed',
    call: async (scene) => {
      const args = { account_id: await closed(scene), account: { trade_name: 'Ebb' }, expected_revision: 2 };
      return { tool: 'crm_account_update', args };
    },
  },
  {
    code: 'crm.account_not_active',
    which: 'yet',
    call: async (scene) => consume(await account(scene, { status: 'draft' }), 10),
    follow: async (told) => {
      const { account_id } = told.call.args;
      await told.tool('crm_account_status_set', { account_id, status: 'active', expected_revision: 1, reason });
      return told.again();
    },
  },
  {
    code: 'crm.account_not_active',
    which: 'any more',
    call: async (scene) => consume(await closed(scene), 10),
  },
  {
    code: 'crm.account_number_taken',
    call: async (scene) => {
      numbers += 1;
      const account_number = `N-${numbers}`;
      await account(scene, { account_number });
      return { tool: 'crm_account_create', args: { account: { legal_name: 'Ebb Ltd', account_number } } };
    },
    follow: (told) => told.tool('crm_account_get', { account_id: told.detail('existing_account_id') }),
  },
  {
    code: 'crm.account_parent_circle',
    call: async (scene) => {
      const account_id = await account(scene);
      const below = await account(scene, { parent_account_id: account_id });
      const args = { account_id, account: { parent_account_id: below }, expected_revision: 1 };
      return { tool: 'crm_account_update', args };
    },
    follow: (told) => told.corrected({ ...told.call.args, account: { parent_account_id: null } }),
  },
  {
    code: 'crm.account_too_deep',
    call: async (scene) => {
      let parent_account_id = await account(scene);
      for (let level = 0; level < 16; level += 1) parent_account_id = await account(scene, { parent_account_id });
      return { tool: 'crm_account_create', args: { account: { legal_name: 'Deep Ltd', parent_account_id } } };
    },
    follow: async (told) => {
      const { legal_name, parent_account_id: account_id } = told.call.args.account;
      const { parent_account_id } = await told.tool('crm_account_get', { account_id });
      return told.again({ account: { legal_name, parent_account_id } });
    },
  },
  {
    code: 'crm.account_credit_in_use',
    call: async (scene) => {
      const account_id = await account(scene);
      const { tool, args } = consume(account_id, 10);
      const { revision } = await scene.act(tool, args);
      return setStatus(account_id, 'closed', revision);
    },
    follow: async (told) => {
      const { account_id } = told.call.args;
      const { currency } = told.error.details as { currency: string };
      const amount = told.detail('credit_used');
      await told.tool('crm_account_credit_release', { account_id, amount, currency, reason });
      const stale = await told.againFails('crm.conflict_revision');
      return stale.again({ expected_revision: stale.snapshot().revision });
    },
  },
  {
    code: 'crm.account_currency_mismatch',
    call: async (scene) => consume(await account(scene), 10, 'EUR'),
    follow: (told) => told.again({ currency: told.detail('currency') }),
  },
  {
    code: 'crm.account_transition',
    call: async (scene) => setStatus(await account(scene), 'draft', 1),
    follow: (told) => told.again({ status: told.detail('allowed')[0] }),
  },
  {
    code: 'crm.account_transition',
    which: 'from a final state',
    call: async (scene) => setStatus(await closed(scene), 'active', 2),
  },
  {
    code: 'crm.account_contact_doomed',
    call: async (scene) => updateContact(await contact(scene, 'doomed'), { caption: 'Other Buyer' }),
    follow: async (told) => {
      const { account_contact_id } = told.call.args;
      const { account_id } = await told.read('crm_account_contact_get', { account_contact_id });
      return told.tool('crm_account_contact_create', {
        contact: { account_id, caption: 'Other Buyer', role: 'buyer' },
      });
    },
  },
  {
    code: 'crm.account_contact_not_active',
    call: async (scene) => updateContact(await contact(scene, 'inactive'), { is_primary: true }),
    follow: async (told) => {
      const { account_contact_id, expected_revision } = told.call.args;
      const active = { account_contact_id, status: 'active', expected_revision, reason };
      await told.tool('crm_account_contact_status_set', active);
      const stale = await told.againFails('crm.conflict_revision');
      return stale.again({ expected_revision: stale.snapshot().revision });
    },
  },
  {
    code: 'crm.account_contact_transition',
    call: async (scene) => setContact(await contact(scene), 'active', 1),
    follow: (told) => told.again({ status: told.detail('allowed')[0] }),
  },
  {
    code: 'crm.account_contact_transition',
    which: 'from a final state',
    call: async (scene) => setContact(await contact(scene, 'doomed'), 'active', 2),
  },
  {
    code: 'crm.credit_exceeded',
    call: async (scene) => consume(await account(scene), 5000),
  },
  {
    code: 'crm.credit_not_used',
    call: async (scene) => {
      const account_id = await account(scene);
      const { tool, args } = consume(account_id, 10);
      await scene.act(tool, args);
      return { tool: 'crm_account_credit_release', args: { ...args, amount: 50 } };
    },
    follow: (told) => told.again({ amount: told.detail('credit_used') }),
  },
  {
    code: 'crm.certificate_transition',
    call: async (scene) => setCertificate(await certificate(scene), 'suspended', 1),
    follow: (told) => told.again({ status: told.detail('allowed')[0] }),
  },
  {
    code: 'crm.certificate_transition',
    which: 'from a final state',
    call: async (scene) => {
      const certificate_id = await certificate(scene);
      const { tool, args } = setCertificate(certificate_id, 'revoked', 1);
      await scene.act(tool, args);
      return setCertificate(certificate_id, 'active', 2);
    },
  },
];
