/**
 * The lot ledger: which lots a credit or a debit changes. Every function returns changes whose sum is the entry's
 * points. The open lots (remaining ≠ 0) always add up to the balance. A debt is a lot below zero.
 */
import { invalidState } from '../contract/errors.js';
import { addDays } from './policy.js';

export interface Lot {
  readonly lot_id: string;
  /** The points at creation; negative for a debt. */
  readonly points: number;
  readonly remaining: number;
  /** How many of its points have expired. */
  readonly expired: number;
  readonly expires_at: string | null;
}

/** The change of one lot by an entry. `points` is signed and never 0. */
export interface LotChange {
  readonly lot_id: string;
  readonly points: number;
  readonly expires_at: string | null;
}

/** The points that can be redeemed at `now`: unexpired lots minus debts, never below zero. */
export function available(lots: readonly Lot[], now: string): number {
  const sum = lots.filter((lot) => !isExpired(lot, now)).reduce((total, lot) => total + lot.remaining, 0);
  return Math.max(0, sum);
}

/** The expiry of every lot that is due at `asOf`. */
export function sweep(lots: readonly Lot[], asOf: string): LotChange[] {
  return lots.filter((lot) => lot.remaining > 0 && isExpired(lot, asOf)).map((lot) => change(lot, -lot.remaining));
}

/**
 * Takes points from the lots that expire first, then from the oldest.
 * @throws CrmError 409 `crm.loyalty_insufficient_points` with the available points.
 */
export function take(lots: readonly Lot[], points: number, now: string): LotChange[] {
  const most = available(lots, now);
  if (points > most) {
    throw invalidState(
      'crm.loyalty_insufficient_points',
      `The customer has ${most} points available.`,
      { requested: points, available: most },
      ['Ask for at most details.available points.'],
    );
  }
  return drain(spendable(lots, now), points).changes;
}

/** Adds points. Debts are paid first, oldest first; the rest becomes the new lot. */
export function give(
  lots: readonly Lot[],
  points: number,
  newLot: { readonly lot_id: string; readonly expires_at: string | null },
): LotChange[] {
  const changes: LotChange[] = [];
  let left = points;
  for (const debt of lots.filter((lot) => lot.remaining < 0).sort(byAge)) {
    const paid = Math.min(left, -debt.remaining);
    if (paid > 0) changes.push(change(debt, paid));
    left -= paid;
  }
  return left > 0 ? [...changes, { ...newLot, points: left }] : changes;
}

/**
 * Returns what a debit took to the same lots, latest expiry first. A lot that has expired since is valid again for
 * `graceDays`; with 0 it stays expired, and its share cannot be restored. @param given the points already returned, by
 * lot
 * @throws CrmError 409 when nothing is left, when more is requested than is left, or when all of it has expired.
 */
export function restore(
  debit: readonly LotChange[],
  given: ReadonlyMap<string, number>,
  lots: readonly Lot[],
  points: number | undefined,
  now: string,
  graceDays: number,
): { readonly changes: LotChange[]; readonly unrestorable: number } {
  const shares = debit
    .map(({ lot_id, points: taken }) => ({ lot_id, left: -taken - (given.get(lot_id) ?? 0) }))
    .map((share) => ({ ...share, expires_at: lots.find((lot) => lot.lot_id === share.lot_id)?.expires_at ?? null }))
    .sort((a, b) => -byExpiry(a, b));
  const left = shares.reduce((sum, share) => sum + share.left, 0);
  if (left === 0) throw invalidState('crm.loyalty_nothing_to_restore', 'All of it has been given back already.');
  const wanted = points ?? left;
  if (wanted > left) {
    throw invalidState('crm.loyalty_restore_exceeds', `Only ${left} points are left to restore.`, {
      requested: wanted,
      left,
    });
  }
  const changes: LotChange[] = [];
  let open = wanted;
  let unrestorable = 0;
  for (const share of shares) {
    const part = Math.min(open, share.left);
    if (part <= 0) continue;
    open -= part;
    const expired = share.expires_at !== null && share.expires_at <= now;
    const expires_at = expired ? addDays(now, graceDays) : share.expires_at;
    if (expired && graceDays === 0) unrestorable += part;
    else changes.push({ lot_id: share.lot_id, points: part, expires_at });
  }
  if (changes.length === 0) {
    throw invalidState('crm.loyalty_points_expired', 'The points have expired since and cannot come back.', {
      unrestorable,
    });
  }
  return { changes, unrestorable };
}

/**
 * Takes back a whole credit: from its own lots first, then from the others. Points of its own lots that have expired
 * are not taken twice. A shortfall is rejected, or becomes a debt lot named `debtLotId`.
 * @throws CrmError 409 `crm.loyalty_points_expired`, `crm.loyalty_points_spent`.
 */
export function takeBack(
  credit: readonly LotChange[],
  lots: readonly Lot[],
  now: string,
  debtLotId: string,
  onSpent: 'refuse' | 'debt',
): LotChange[] {
  const ownIds = new Set(credit.map(({ lot_id }) => lot_id));
  const own = lots.filter((lot) => ownIds.has(lot.lot_id));
  const gone = own.reduce((sum, lot) => sum + lot.expired, 0);
  const wanted = credit.reduce((sum, { points }) => sum + points, 0) - gone;
  if (wanted <= 0) {
    throw invalidState(
      'crm.loyalty_points_expired',
      'All of its points have expired already: nothing is left to take back.',
    );
  }
  const fromOwn = drain(spendable(own, now), wanted);
  const others = lots.filter((lot) => !ownIds.has(lot.lot_id));
  const fromOthers = drain(spendable(others, now), fromOwn.short);
  const changes = [...fromOwn.changes, ...fromOthers.changes];
  if (fromOthers.short === 0) return changes;
  if (onSpent === 'debt') return [...changes, { lot_id: debtLotId, points: -fromOthers.short, expires_at: null }];
  throw invalidState(
    'crm.loyalty_points_spent',
    'Some of these points are spent already.',
    { requested: wanted, available: wanted - fromOthers.short },
    ['Ask the operator whether the policy should allow a debt, or adjust what is available.'],
  );
}

/** Takes all points from every open lot, expired lots and debts included. The balance becomes zero. */
export function moveOut(lots: readonly Lot[]): LotChange[] {
  return lots.map((lot) => change(lot, -lot.remaining));
}

/** Recreates what `moveOut` took as lots of another account, with the same points and expiry. */
export function moveIn(taken: readonly LotChange[], newId: () => string): LotChange[] {
  return taken.map(({ points, expires_at }) => ({ lot_id: newId(), points: -points, expires_at }));
}

/** The lots after an entry. A lot that does not exist yet is created. */
export function applyChanges(lots: readonly Lot[], changes: readonly LotChange[], expiring = false): Lot[] {
  const result = new Map(lots.map((lot) => [lot.lot_id, lot]));
  for (const { lot_id, points, expires_at } of changes) {
    const lot = result.get(lot_id);
    const next =
      lot === undefined
        ? { lot_id, points, remaining: points, expired: 0, expires_at }
        : { ...lot, remaining: lot.remaining + points, expired: lot.expired + (expiring ? -points : 0), expires_at };
    result.set(lot_id, next);
  }
  return [...result.values()];
}

function drain(lots: readonly Lot[], points: number): { readonly changes: LotChange[]; readonly short: number } {
  const changes: LotChange[] = [];
  let short = points;
  for (const lot of lots) {
    const part = Math.min(short, lot.remaining);
    if (part <= 0) break;
    changes.push(change(lot, -part));
    short -= part;
  }
  return { changes, short };
}

function spendable(lots: readonly Lot[], now: string): readonly Lot[] {
  return lots.filter((lot) => lot.remaining > 0 && !isExpired(lot, now)).sort(byExpiry);
}

function isExpired(lot: Lot, at: string): boolean {
  return lot.expires_at !== null && lot.expires_at <= at;
}

function change(lot: Lot, points: number): LotChange {
  return { lot_id: lot.lot_id, points, expires_at: lot.expires_at };
}

type Aged = Pick<Lot, 'lot_id' | 'expires_at'>;

function byExpiry(a: Aged, b: Aged): number {
  if (a.expires_at === b.expires_at) return byAge(a, b);
  if (a.expires_at === null) return 1;
  if (b.expires_at === null) return -1;
  return a.expires_at < b.expires_at ? -1 : 1;
}

/** Ids are ordered by time. */
function byAge(a: Aged, b: Aged): number {
  return a.lot_id < b.lot_id ? -1 : 1;
}
