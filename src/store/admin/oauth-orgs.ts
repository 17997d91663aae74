/** Which org a tenant or a client of the identity provider belongs to: what operators map, and what servers look up. */
import { type AdminContext, AdminError, existingOrg } from '../administration.js';
import { all, one, run, type Steps } from '../engine/step.js';
import { recordAct } from './record-act.js';

export type OAuthOrgKind = 'tenant' | 'client';

export interface OAuthOrg {
  readonly kind: OAuthOrgKind;
  readonly value: string;
  readonly orgcode: string;
  readonly created_at: string;
  /** Null where it is not known. */
  readonly created_by: string | null;
}

const MAX_MAPPED = 10_000;
const MAX_VALUE = 200;
const COLUMNS = 'kind, value, orgcode, created_at, created_by';
const FIND = `SELECT ${COLUMNS} FROM oauth_org WHERE kind = ? AND value = ?`;
const LIST = `SELECT ${COLUMNS} FROM oauth_org ORDER BY kind, value LIMIT ${MAX_MAPPED}`;
const COUNT = 'SELECT COUNT(*) AS mapped FROM oauth_org';
const ADD = 'INSERT INTO oauth_org (kind, value, orgcode, created_at, created_by) VALUES (?, ?, ?, ?, ?)';
const REMOVE = 'DELETE FROM oauth_org WHERE kind = ? AND value = ?';

/** The org of a tenant or a client; undefined when nobody mapped it. */
export function* oauthOrgOf(kind: OAuthOrgKind, value: string): Steps<string | undefined> {
  return (yield* one<OAuthOrg>(FIND, kind, value))?.orgcode;
}

/** All that is mapped, by kind and value. */
export function* listOAuthOrgs(): Steps<readonly OAuthOrg[]> {
  return yield* all<OAuthOrg>(LIST);
}

/** Journals in an org what is mapped to it, or no more. @throws AdminError when there is no such org. */
export function* noteOAuthOrg(
  cx: AdminContext,
  orgcode: string,
  { kind, value, isRemoved = false }: { kind: OAuthOrgKind; value: string; isRemoved?: boolean },
): Steps<void> {
  const code = yield* existingOrg(orgcode);
  const operation = `admin oauth map ${isRemoved ? 'remove' : 'add'}`;
  yield* recordAct(cx, code, { operation, target: code, fields: ['oauth_org'], facts: { kind, value } });
}

/** Maps a tenant or a client to an org, which exists. @throws AdminError when it is mapped, or the value is invalid. */
export function* addOAuthOrg(cx: AdminContext, kind: OAuthOrgKind, value: string, orgcode: string): Steps<OAuthOrg> {
  if (value === '' || value.length > MAX_VALUE || /[\p{Cc}\p{Surrogate}]/u.test(value))
    throw new AdminError(`the ${kind} must be 1 to ${MAX_VALUE} printable characters`);
  const known = yield* one<OAuthOrg>(FIND, kind, value);
  if (known !== undefined) throw new AdminError(`that ${kind} is mapped to ${known.orgcode}: remove it first`);
  const { mapped } = (yield* one<{ mapped: number }>(COUNT)) ?? { mapped: 0 };
  if (mapped >= MAX_MAPPED) throw new AdminError(`${mapped} tenants and clients are mapped already: remove some first`);
  const created_by = cx.operator?.actor ?? null;
  yield* run(ADD, kind, value, orgcode, cx.now, created_by);
  return { kind, value, orgcode, created_at: cx.now, created_by };
}

/** @throws AdminError when it is not mapped. */
export function* removeOAuthOrg(kind: OAuthOrgKind, value: string): Steps<OAuthOrg> {
  const known = yield* one<OAuthOrg>(FIND, kind, value);
  if (known === undefined) throw new AdminError(`that ${kind} is not mapped`);
  yield* run(REMOVE, kind, value);
  return known;
}
