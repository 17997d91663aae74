/** Orgs as an operator sees them. */
import type { OrgStatus } from '../../contract/backend.js';
import { existingOrg } from '../administration.js';
import { hasStatus } from '../credential-status.js';
import { one, type Scalar, type Steps } from '../engine/step.js';
import { type ListPage, type PageRequest, readListPage } from './list-page.js';

export interface ListedOrg {
  readonly orgcode: string;
  readonly status: OrgStatus;
  readonly created_at: string;
  readonly updated_at: string;
}

export interface ShownOrg extends ListedOrg {
  /** Active customers. */
  readonly customers: number;
  /** Users and service accounts. */
  readonly members: number;
  /** Keys that let their callers in. */
  readonly active_keys: number;
  /** Sessions of members that let their users in. */
  readonly active_sessions: number;
}

const SELECT = 'SELECT o.orgcode, o.status, o.created_at, o.updated_at FROM org o';
const CUSTOMERS = `SELECT COUNT(*) AS found FROM customer WHERE orgcode = ? AND status = 'active'`;
const MEMBERS = 'SELECT COUNT(*) AS found FROM membership WHERE orgcode = ?';
const KEYS = `SELECT COUNT(*) AS found FROM api_key WHERE orgcode = ? AND ${hasStatus('active')}`;
const SESSIONS = `SELECT COUNT(*) AS found FROM session s JOIN membership m ON m.principal_id = s.principal_id
  WHERE m.orgcode = ? AND ${hasStatus('active', 's')}`;

/** A page of orgs, newest first. */
export function* listOrgs(page: PageRequest): Steps<ListPage<ListedOrg>> {
  return yield* readListPage<ListedOrg>(SELECT, { alias: 'o', key: 'orgcode' }, page, []);
}

/** @throws AdminError when there is no such org. */
export function* showOrg(now: string, orgcode: string): Steps<ShownOrg> {
  const code = yield* existingOrg(orgcode);
  const org = (yield* one<ListedOrg>(`${SELECT} WHERE o.orgcode = ?`, code)) as ListedOrg;
  return {
    ...org,
    customers: yield* counted(CUSTOMERS, code),
    members: yield* counted(MEMBERS, code),
    active_keys: yield* counted(KEYS, code, now),
    active_sessions: yield* counted(SESSIONS, code, now),
  };
}

function* counted(sql: string, ...args: readonly Scalar[]): Steps<number> {
  return Number((yield* one<{ found: number }>(sql, ...args))?.found ?? 0);
}
