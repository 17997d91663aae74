/** Pages of customers by filter: one index drives, the other filters are looked up row by row. Newest first. */
import { gatePurpose } from '../domain/consent.js';
import { CUSTOMER, type CustomerRow } from './customers.js';
import type { Context, InputOf } from './handler.js';
import { idFloor } from './ids.js';
import { pageLimit, readToken } from './page-token.js';
import { all, type Scalar, type Steps } from './step.js';
import { columnsOf, decode } from './table.js';

type ListInput = InputOf<'customer_list'>;

/** A filter that lives in a table of its own, with the org and the value in front of the customer. */
interface SideFilter {
  readonly table: string;
  readonly column: string;
  readonly also: string;
  readonly value: string | undefined;
}

/** One row more than the page, so that the caller can tell whether there is a next one. */
export function* listCustomers(cx: Context, input: ListInput): Steps<readonly CustomerRow[]> {
  const after = readToken<{ id: string }>(cx, 'customer/list', input);
  const filters = sideFilters(input).filter(({ value }) => value !== undefined);
  const [driver, ...rest] = filters;
  const where = conditions(input, cx.orgcode, after?.id, driver !== undefined);
  for (const filter of rest) {
    where.sql.push(`EXISTS (SELECT 1 FROM ${filter.table} f WHERE f.orgcode = c.orgcode AND f.${filter.column} = ?
      AND f.customer_id = c.customer_id${filter.also.replaceAll('d.', 'f.')})`);
    where.args.push(filter.value ?? null);
  }
  const from = driver === undefined ? 'customer c' : drivenFrom(driver);
  const driven: readonly Scalar[] = driver === undefined ? [] : [cx.orgcode, driver.value ?? null];
  const sql = `SELECT ${columnsOf(CUSTOMER, 'c')} FROM ${from} ${driver === undefined ? 'WHERE' : 'AND'}
    ${where.sql.join(' AND ')} ORDER BY ${driver === undefined ? 'c' : 'd'}.customer_id DESC LIMIT ?`;
  const rows = yield* all<Record<string, Scalar>>(sql, ...driven, ...where.args, pageLimit(input) + 1);
  return rows.map((row) => decode(CUSTOMER, row));
}

/** The consent a gated list or search asks for, when it does. */
export function gateOf(input: Pick<ListInput, 'purpose' | 'channel'>): string | undefined {
  return input.purpose === undefined ? undefined : gatePurpose(input.purpose, input.channel);
}

function sideFilters(input: ListInput): readonly SideFilter[] {
  return [
    { table: 'customer_tag', column: 'tag', also: '', value: input.tag },
    { table: 'customer_flag', column: 'flag', also: ' AND d.active = 1', value: input.flag },
    { table: 'customer_consent_granted', column: 'purpose', also: '', value: gateOf(input) },
  ];
}

/** CROSS JOIN keeps the side table in front: it is ordered by customer, and holds only what passes. */
function drivenFrom({ table, column, also }: SideFilter): string {
  return `${table} d CROSS JOIN customer c
    WHERE d.orgcode = ? AND d.${column} = ?${also} AND c.orgcode = d.orgcode AND c.customer_id = d.customer_id`;
}

function conditions(input: ListInput, orgcode: string, after: string | undefined, driven: boolean) {
  const sql = ['c.orgcode = ?'];
  const args: Scalar[] = [orgcode];
  const add = (condition: string, value: Scalar | undefined) => {
    if (value === undefined) return;
    sql.push(condition);
    args.push(value);
  };
  const id = driven ? 'd.customer_id' : 'c.customer_id';
  add(`${id} < ?`, after);
  add(`${id} >= ?`, input.created_from === undefined ? undefined : idFloor(input.created_from));
  add(`${id} < ?`, input.created_to === undefined ? undefined : idFloor(justAfter(input.created_to)));
  add('c.home_logical_guid = ?', input.home_logical_guid);
  const status = input.status ?? 'active';
  // COALESCE keeps the status index out of the way when a better one leads.
  const leads = !driven && input.home_logical_guid === undefined;
  if (status !== 'all') add(leads ? 'c.status = ?' : `COALESCE(c.status, '') = ?`, status);
  return { sql, args };
}

function justAfter(iso: string): string {
  return new Date(Date.parse(iso) + 1).toISOString();
}
