/** Sessions of users as an operator sees and ends them. */
import { epochOf } from '../../contract/date-time.js';
import { AdminError } from '../administration.js';
import { type CredentialStatus, hasStatus, statusOf } from '../credential-status.js';
import { count, enterOrg, one, type Steps } from '../engine/step.js';
import { type ListPage, type PageRequest, readListPage } from './list-page.js';

export interface ShownSession {
  readonly fingerprint: string;
  /** The name of the user. */
  readonly user: string;
  readonly status: CredentialStatus;
  readonly created_at: string;
  /** Null where it is not known. */
  readonly created_by: string | null;
  /** At most a minute old; null for a revoked session. */
  readonly last_used_at: string | null;
  readonly expires_at: string;
  readonly revoked_at: string | null;
  /** How the journal names the user. */
  readonly actor: string;
}

export interface SessionFilter {
  readonly orgcode?: string | undefined;
  readonly user?: string | undefined;
  readonly activeOnly?: boolean | undefined;
}

interface SessionRow {
  readonly fingerprint: string;
  readonly principal_id: string;
  readonly name: string;
  readonly created_at: string;
  readonly created_by: string | null;
  readonly expires_at: string;
  readonly ttl_seconds: number;
  readonly revoked_at: string | null;
}

const SELECT = `SELECT s.fingerprint, s.principal_id, p.name, s.created_at, s.created_by, s.expires_at, s.ttl_seconds,
    s.revoked_at
  FROM session s JOIN principal p ON p.principal_id = s.principal_id`;
/** Servers of the version before this one know the expiry alone. */
const REVOKE = `UPDATE session SET revoked_at = ?, expires_at = CASE WHEN expires_at < ? THEN expires_at ELSE ? END
  WHERE revoked_at IS NULL AND`;

/** A page of sessions, newest first. */
export function* listSessions(
  now: string,
  { orgcode, user, activeOnly = false }: SessionFilter,
  page: PageRequest,
): Steps<ListPage<ShownSession>> {
  if (orgcode !== undefined) yield* enterOrg(orgcode);
  const members = 's.principal_id IN (SELECT principal_id FROM membership WHERE orgcode = ?)';
  const found = yield* readListPage<SessionRow>(SELECT, { alias: 's', key: 'fingerprint' }, page, [
    ...(orgcode === undefined ? [] : [[members, orgcode] as const]),
    ...(user === undefined ? [] : [['p.name = ?', user] as const]),
    ...(activeOnly ? [[hasStatus('active', 's'), now] as const] : []),
  ]);
  return { ...found, rows: found.rows.map((row) => shown(row, now)) };
}

/** The session; undefined when none has that fingerprint. */
export function* findSession(now: string, fingerprint: string): Steps<ShownSession | undefined> {
  const row = yield* one<SessionRow>(`${SELECT} WHERE s.fingerprint = ?`, fingerprint);
  return row === undefined ? undefined : shown(row, now);
}

/** Ends one session. Returns how many were ended: none, when it was revoked before. */
export function* revokeSession(now: string, fingerprint: string): Steps<number> {
  return yield* count(`${REVOKE} fingerprint = ?`, now, now, now, fingerprint);
}

/** Ends the sessions of a user, and returns how many. @throws AdminError when there is no such user. */
export function* revokeSessionsOf(now: string, user: string): Steps<number> {
  const id = yield* userId(user);
  return yield* count(`${REVOKE} principal_id = ? AND expires_at > ?`, now, now, now, id, now);
}

/** @throws AdminError when there is no such user. */
export function* userId(user: string): Steps<string> {
  const sql = `SELECT principal_id FROM principal WHERE kind = 'user' AND name = ?`;
  const found = yield* one<{ principal_id: string }>(sql, user);
  if (found === undefined) throw new AdminError('there is no user of that name');
  return found.principal_id;
}

/** The later state of two rows of one session: groups share sessions, and each moves the expiry by itself. */
export function laterSession(left: ShownSession, right: ShownSession): ShownSession {
  const [later, earlier] = left.expires_at >= right.expires_at ? [left, right] : [right, left];
  return earlier.status === 'revoked' ? earlier : later;
}

function shown(row: SessionRow, now: string): ShownSession {
  const { principal_id, name, ttl_seconds, fingerprint, created_at, created_by, expires_at, revoked_at } = row;
  const usedMs = epochOf(expires_at) - Number(ttl_seconds) * 1000;
  return {
    fingerprint,
    user: name,
    status: statusOf(row, now),
    created_at,
    created_by,
    last_used_at: revoked_at === null ? new Date(usedMs).toISOString() : null,
    expires_at,
    revoked_at,
    actor: `user_guid:${principal_id}`,
  };
}
