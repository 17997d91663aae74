/**
 * Pages of customers by filter, newest first: one index is read first, and the other filters are checked row by row.
 */
import { justAfter, normalDateTime } from '../../contract/date-time.js';
import { gatePurpose } from '../../domain/consent.js';
import { idFloor } from '../../ids.js';
import type { Context, InputOf } from '../engine/handler.js';
import { pageLimit, readToken } from '../engine/page-token.js';
import { all, type Scalar, type Steps } from '../engine/step.js';
import { columnsOf, decode } from '../engine/table.js';
import { CUSTOMER, type CustomerRow } from './customers.js';

type ListInput = InputOf<'customer_list'>;

/** A filter with a side table of its own, whose index has the org and the value before the customer. */
interface SideFilter {
  readonly table: string;
  readonly column: string;
  readonly value: string | undefined;
  /** A further condition on the row, `d`, of the side table. */
  readonly also?: { readonly sql: string; readonly args: readonly Scalar[] };
}

/** One row more than the page holds, so that the caller knows whether there is a next page. */
export function* listCustomers(cx: Context, input: ListInput): Steps<readonly CustomerRow[]> {
  const after = readToken<{ id: string }>(cx, 'customer/list', input);
  const filters = sideFilters(cx, input).filter(({ value }) => value !== undefined);
  const [first, ...rest] = filters;
  const where = conditions(input, cx.orgcode, after?.id, first !== undefined);
  for (const filter of rest) {
    where.sql.push(`EXISTS (SELECT 1 FROM ${filter.table} f WHERE f.orgcode = c.orgcode AND f.${filter.column} = ?
      AND f.customer_id = c.customer_id${alsoSql(filter).replaceAll('d.', 'f.')})`);
    where.args.push(...valuesOf(filter));
  }
  const from = first === undefined ? 'customer c WHERE' : sideFirst(cx, first);
  const sideArgs: readonly Scalar[] = first === undefined ? [] : [cx.orgcode, ...valuesOf(first)];
  const sql = `SELECT ${columnsOf(CUSTOMER, 'c')} FROM ${from}
    ${where.sql.join(' AND ')} ORDER BY ${first === undefined ? 'c' : 'd'}.customer_id DESC LIMIT ?`;
  const rows = yield* all<Record<string, Scalar>>(sql, ...sideArgs, ...where.args, pageLimit(input) + 1);
  return rows.map((row) => decode(CUSTOMER, row));
}

/** The consent that a list or search requires of its customers, if any. */
export function requiredConsent(input: Pick<ListInput, 'purpose' | 'channel'>): string | undefined {
  return input.purpose === undefined ? undefined : gatePurpose(input.purpose, input.channel);
}

function sideFilters(cx: Context, input: ListInput): readonly SideFilter[] {
  const inForce = { sql: 'd.active = 1 AND (d.expires_at IS NULL OR d.expires_at > ?)', args: [cx.stamp.now] };
  return [
    { table: 'customer_tag', column: 'tag', value: input.tag },
    { table: 'customer_flag', column: 'flag', value: input.flag, also: inForce },
    { table: 'customer_consent_granted', column: 'purpose', value: requiredConsent(input) },
  ];
}

function alsoSql({ also }: SideFilter): string {
  return also === undefined ? '' : ` AND ${also.sql}`;
}

function valuesOf({ value, also }: SideFilter): readonly Scalar[] {
  return [value ?? null, ...(also?.args ?? [])];
}

/** The side table is read first: it is ordered by customer, and holds only rows that pass the filter. */
function sideFirst({ dialect }: Context, filter: SideFilter): string {
  return `${filter.table} d ${dialect.orderedJoin} customer c ON c.orgcode = d.orgcode AND c.customer_id = d.customer_id
    WHERE d.orgcode = ? AND d.${filter.column} = ?${alsoSql(filter)} AND`;
}

function conditions(input: ListInput, orgcode: string, after: string | undefined, hasSide: boolean) {
  const sql = ['c.orgcode = ?'];
  const args: Scalar[] = [orgcode];
  const add = (condition: string, value: Scalar | undefined) => {
    if (value === undefined) return;
    sql.push(condition);
    args.push(value);
  };
  const id = hasSide ? 'd.customer_id' : 'c.customer_id';
  add(`${id} < ?`, after);
  const { created_from: from, created_to: to } = input;
  add(`${id} >= ?`, from === undefined ? undefined : idFloor(normalDateTime(from, 'created_from')));
  add(`${id} < ?`, to === undefined ? undefined : idFloor(justAfter(normalDateTime(to, 'created_to'))));
  add('c.home_logical_guid = ?', input.home_logical_guid);
  const status = input.status ?? 'active';
  // COALESCE keeps the planner from choosing the status index when a better one is read first.
  const leads = !hasSide && input.home_logical_guid === undefined;
  if (status !== 'all') add(leads ? 'c.status = ?' : `COALESCE(c.status, '') = ?`, status);
  return { sql, args };
}
