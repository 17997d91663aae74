/** Users and their memberships, as an operator sees and changes them. */
import { type AdminContext, AdminError, existingOrg, type Grant, grantMembership } from '../administration.js';
import { all, enterOrg, lockKey, one, run, type Steps } from '../engine/step.js';
import { type ListPage, type PageRequest, readListPage } from './list-page.js';
import { recordAct } from './record-act.js';
import { userId } from './session-list.js';

export interface ListedUser {
  readonly principal_id: string;
  readonly name: string;
  readonly created_at: string;
}

export interface ShownMembership extends Grant {
  readonly orgcode: string;
  readonly status: 'active' | 'suspended';
}

const SELECT = 'SELECT p.principal_id, p.name, p.created_at FROM principal p';
const MEMBER = 'SELECT roles, owner, status FROM membership WHERE orgcode = ? AND principal_id = ?';
const ORGS = 'SELECT orgcode FROM org ORDER BY orgcode';

/** A page of users, newest first. @param orgcode only members of this org */
export function* listUsers(orgcode: string | undefined, page: PageRequest): Steps<ListPage<ListedUser>> {
  if (orgcode !== undefined) yield* enterOrg(orgcode);
  const members = 'p.principal_id IN (SELECT principal_id FROM membership WHERE orgcode = ?)';
  return yield* readListPage<ListedUser>(SELECT, { alias: 'p', key: 'principal_id' }, page, [
    [`p.kind = 'user'`],
    ...(orgcode === undefined ? [] : [[members, orgcode] as const]),
  ]);
}

/** @throws AdminError when there is no such user. */
export function* findUser(name: string): Steps<ListedUser> {
  const id = yield* userId(name);
  return (yield* one<ListedUser>(`${SELECT} WHERE p.principal_id = ?`, id)) as ListedUser;
}

/** The memberships of a principal in this database, by org. */
export function* membershipsOf(principal: string): Steps<readonly ShownMembership[]> {
  const found: ShownMembership[] = [];
  for (const { orgcode } of yield* all<{ orgcode: string }>(ORGS)) {
    const member = yield* membershipIn(orgcode, principal);
    if (member !== undefined) found.push(member);
  }
  return found;
}

/** Lets a user in again, or not. @throws AdminError when there is no such user, or it is no member of the org. */
export function* setUserStatus(
  cx: AdminContext,
  orgcode: string,
  name: string,
  status: ShownMembership['status'],
): Steps<ShownMembership> {
  const { code, id, member } = yield* existingMember(orgcode, name);
  const sql = 'UPDATE membership SET status = ?, updated_at = ? WHERE orgcode = ? AND principal_id = ?';
  yield* run(sql, status, cx.now, code, id);
  const operation = `admin user ${status === 'active' ? 'enable' : 'disable'}`;
  yield* recordAct(cx, code, { operation, target: id, fields: ['status'], facts: { status } });
  return { ...member, status };
}

/** Replaces the roles of a member; a disabled one stays disabled. @throws AdminError as `setUserStatus`. */
export function* setUserRoles(cx: AdminContext, orgcode: string, name: string, grant: Grant): Steps<ShownMembership> {
  const { code, id, member } = yield* existingMember(orgcode, name);
  yield* grantMembership(cx, code, id, grant, member.status);
  yield* recordAct(cx, code, {
    operation: 'admin user set-roles',
    target: id,
    fields: ['roles', 'owner'],
    facts: { roles: grant.roles, owner: grant.owner },
  });
  return { ...member, ...grant };
}

function* existingMember(orgcode: string, name: string) {
  const code = yield* existingOrg(orgcode);
  yield lockKey('', 'user', name); // a session that is being created reads and writes the membership, too
  const id = yield* userId(name);
  const member = yield* membershipIn(code, id);
  if (member === undefined) throw new AdminError(`that user is no member of ${code}: admin session create adds one`);
  return { code, id, member };
}

function* membershipIn(orgcode: string, principal: string): Steps<ShownMembership | undefined> {
  yield* enterOrg(orgcode);
  const row = yield* one<{ roles: string; owner: number; status: ShownMembership['status'] }>(
    MEMBER,
    orgcode,
    principal,
  );
  if (row === undefined) return undefined;
  return { orgcode, status: row.status, roles: JSON.parse(row.roles) as string[], owner: row.owner === 1 };
}
