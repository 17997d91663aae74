/**
 * The lot ledger: which lots a credit or a debit changes. Every function returns changes whose sum is the entry's
 * points; the open lots (remaining ≠ 0) always add up to the balance. A debt is a lot below zero.
 */
import { invalidState } from '../contract/errors.js';
import { addDays } from './policy.js';

export interface Lot {
  readonly lot_id: string;
  /** Its points when created; negative for a debt. */
  readonly points: number;
  readonly remaining: number;
  /** How many of its points expired. */
  readonly expired: number;
  readonly expires_at: string | null;
}

/** The effect of an entry on one lot. `points` is signed and never 0. */
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

/** The changes that expire every lot whose expiry time has passed at `asOf`. */
export function sweep(lots: readonly Lot[], asOf: string): LotChange[] {
  return lots.filter((lot) => lot.remaining > 0 && isExpired(lot, asOf)).map((lot) => change(lot, -lot.remaining));
}

/**
 * Takes points, earliest expiry first, then oldest lot.
 * @throws CrmError 409 `crm.loyalty_insufficient_points` with what is available.
 */
export function take(lots: readonly Lot[], points: number, now: string): LotChange[] {
  const most = available(lots, now);
  if (points > most) {
    throw invalidState('crm.loyalty_insufficient_points', `The customer has ${most} points available.`, {
      requested: points,
      available: most,
    });
  }
  return consume(spendable(lots, now), points).changes;
}

/** Adds points: debts are paid first, oldest first; the remainder becomes the new lot. */
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
 * Returns the points of a debit to the same lots, latest expiry first. A lot that has expired since becomes valid again
 * for `graceDays`; with 0 it stays expired, and its share counts as unrestorable.
 * @param given the points returned before, by lot
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
  const requested = points ?? left;
  if (requested > left) {
    throw invalidState('crm.loyalty_restore_exceeds', `Only ${left} points are left to restore.`, {
      requested: requested,
      left,
    });
  }
  const changes: LotChange[] = [];
  let outstanding = requested;
  let unrestorable = 0;
  for (const share of shares) {
    const part = Math.min(outstanding, share.left);
    if (part <= 0) continue;
    outstanding -= part;
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
 * Reverses a whole credit: from its own lots, then from the others. Points that expired from its own lots are not taken
 * a second time. A shortfall is rejected, or becomes a debt lot named `debtLotId`.
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
  const alreadyExpired = own.reduce((sum, lot) => sum + lot.expired, 0);
  const requested = credit.reduce((sum, { points }) => sum + points, 0) - alreadyExpired;
  if (requested <= 0) {
    throw invalidState(
      'crm.loyalty_points_expired',
      'All of its points have expired already: nothing is left to take back.',
    );
  }
  const fromOwn = consume(spendable(own, now), requested);
  const others = lots.filter((lot) => !ownIds.has(lot.lot_id));
  const fromOthers = consume(spendable(others, now), fromOwn.short);
  const changes = [...fromOwn.changes, ...fromOthers.changes];
  if (fromOthers.short === 0) return changes;
  if (onSpent === 'debt') return [...changes, { lot_id: debtLotId, points: -fromOthers.short, expires_at: null }];
  throw invalidState('crm.loyalty_points_spent', 'Some of these points are spent already.', {
    requested: requested,
    available: requested - fromOthers.short,
  });
}

/** Empties every open lot, expired or not, debts included, so that the balance is zero. */
export function moveOut(lots: readonly Lot[]): LotChange[] {
  return lots.map((lot) => change(lot, -lot.remaining));
}

/** The points that `moveOut` took, as lots of another customer with the same points and expiry. */
export function moveIn(taken: readonly LotChange[], newId: () => string): LotChange[] {
  return taken.map(({ points, expires_at }) => ({ lot_id: newId(), points: -points, expires_at }));
}

/** The lots after an entry; unknown lots are created. */
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

function consume(lots: readonly Lot[], points: number): { readonly changes: LotChange[]; readonly short: number } {
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

type SortableLot = Pick<Lot, 'lot_id' | 'expires_at'>;

function byExpiry(a: SortableLot, b: SortableLot): number {
  if (a.expires_at === b.expires_at) return byAge(a, b);
  if (a.expires_at === null) return 1;
  if (b.expires_at === null) return -1;
  return a.expires_at < b.expires_at ? -1 : 1;
}

/** Ids are time-ordered. */
function byAge(a: SortableLot, b: SortableLot): number {
  return a.lot_id < b.lot_id ? -1 : 1;
}
