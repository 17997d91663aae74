/** `next_token`: the position where a list continues, signed for its caller, endpoint and filters. */
import { canonical } from '../../contract/canonical-json.js';
import { badRequest } from '../../contract/errors.js';
import { sameDigest } from '../../secrets/keys.js';
import type { Context } from './handler.js';

const SIGNED = /^((?:\d{1,6}:)?[0-9a-f]{64})(.*)$/s;
const DEFAULT_LIMIT = 8;
const MAX_LIMIT = 256;

type Filters = { readonly limit?: number | undefined; readonly next_token?: string | null | undefined };

/** The requested page size: default 8, clamped to 1–256, never an error (contract §1, Lists). */
export function pageLimit(input: Filters): number {
  return Math.min(MAX_LIMIT, Math.max(1, Math.trunc(input.limit ?? DEFAULT_LIMIT)));
}

/**
 * The position after which the page starts; undefined for the first page.
 * @throws CrmError 400 `crm.invalid_token` when the token was altered, or made by another caller or with other filters.
 */
export function readToken<Position>(cx: Context, endpoint: string, input: Filters): Position | undefined {
  const token = input.next_token;
  if (token === undefined || token === null || token === '') return undefined;
  const text = Buffer.from(token, 'base64url').toString('utf8');
  const [, mac = '', position = ''] = SIGNED.exec(text) ?? [];
  if (!sameDigest(mac, cx.keys.macLike(mac, 'page-token', ...signed(cx, endpoint, input, position))))
    throw invalidToken();
  return JSON.parse(position) as Position;
}

/** Makes the token of the page after `position`. */
export function makeToken(cx: Context, endpoint: string, input: Filters, position: unknown): string {
  const text = JSON.stringify(position);
  return Buffer.from(cx.keys.mac('page-token', ...signed(cx, endpoint, input, text)) + text).toString('base64url');
}

/** Makes a page of up to `limit` rows; one more row than that means that there is a next page. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
  toToken: (last: Row) => string,
): { items: Item[]; next_token: string | null } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items: items.map(toItem), next_token: rows.length > limit && last !== undefined ? toToken(last) : null };
}

function signed(cx: Context, endpoint: string, input: Filters, position: string): readonly string[] {
  const { limit: _limit, next_token: _token, ...filters } = input;
  return [cx.orgcode, cx.caller.actor, endpoint, canonical(filters), position];
}

function invalidToken() {
  return badRequest('crm.invalid_token', 'next_token does not belong to this list. Start again without it.');
}
