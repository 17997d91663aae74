/** Every change says what it locks, and locks by statements that both engines and the driver understand. */
import { expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Context } from '../../src/store/engine/handler.js';
import { LOCKS } from '../../src/store/locks.js';

/** Locks owners by unique keys of the schema, or by what its comment in locks.ts says. */
const WITHOUT = ['account_create', 'customer_create', 'inbox_create', 'loyalty_policy_set'];

const mac = (...parts: string[]) => parts.join('.');
const cx = { orgcode: 'ACME', keys: { mac, macs: (...parts: string[]) => [mac(...parts)] } } as unknown as Context;

/** An input that names everything a lock can depend on. */
const INPUT = {
  account_contact_id: 'contact',
  account: { parent_account_id: 'parent' },
  account_id: 'account',
  certificate: { customer_id: 'customer' },
  certificate_id: 'certificate',
  code: 'CODE',
  comment: { target_type: 'customer', target_id: 'customer' },
  comment_id: 'comment',
  contact: { account_id: 'account', customer_id: 'customer' },
  customer_id: 'b',
  hold_id: 'hold',
  inbox_id: 'inbox',
  loyalty_txn_id: 'txn',
  merge_customer_ids: ['c', 'a'],
};

const changes = CONTRACT.operations.filter(({ effect, countsFailures }) => effect !== 'read' || countsFailures);

test('the table has an entry for every change, and for nothing else', () => {
  expect(Object.keys(LOCKS).sort()).toEqual(changes.map(({ id }) => id).sort());
});

test('every change locks something, but for those named here', () => {
  const locked = changes.filter(({ id }) => (LOCKS[id]?.(cx, INPUT).length ?? 0) > 0).map(({ id }) => id);
  expect(changes.map(({ id }) => id).filter((id) => !locked.includes(id))).toEqual(WITHOUT);
});

/** The order of locks.ts. */
const ORDER = ['name', 'customer', 'account', 'giftcard', 'certificate', 'comment', 'hold', 'inbox'];

test.each(changes.map(({ id }) => id))('%s takes its locks in the common order, each within its org', (id) => {
  const locks = LOCKS[id]?.(cx, INPUT) ?? [];
  const places = locks.map(({ mode, sql, args }) => {
    if (mode === 'lock-key') return ORDER.indexOf('name');
    expect(args.length).toBe(sql.split('?').length - 1);
    expect(args[0]).toBe('ACME');
    const table = /^SELECT 1 FROM (\w+) WHERE orgcode = \?/.exec(sql)?.[1] ?? '';
    expect(sql.includes(' IN ')).toBe(sql.endsWith(`ORDER BY ${table}_id`));
    return ORDER.indexOf(table);
  });
  expect(places).not.toContain(-1);
  expect(places).toEqual([...places].sort((a, b) => a - b));
});
