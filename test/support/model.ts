/**
 * The oracle of the model test: customers, points, cards, holds and merges as plain objects, written from the contract
 * and not from the store. Time is days since the start of a sequence.
 */

export type Outcome = { readonly error: string } | { readonly ok: Readonly<Record<string, unknown>> };

export interface Lot {
  remaining: number;
  expires: number | null;
  /** Creation order. */
  readonly order: number;
}

export interface Customer {
  status: 'active' | 'merged' | 'anonymized';
  into: number | null;
  revision: number;
  lifetime: number;
  lots: Lot[];
}

interface Card {
  owner: number | null;
  cents: number;
}

export type Scope = 'all' | 'loyalty' | 'stored_value';

interface Hold {
  owner: number;
  readonly scope: Scope;
  status: 'active' | 'confirmed' | 'released';
  revision: number;
}

interface Share {
  readonly lot: Lot;
  readonly points: number;
  restored: boolean;
}

interface Redeem {
  readonly customer: number;
  readonly taken: readonly Share[];
}

export interface Rules {
  /** Days after which earned points expire; null: never. */
  readonly expiry_days: number | null;
  readonly restore_grace_days: number;
}

/** The expected state of one org and result of each call. Customers, cards, holds and redeems are numbered. */
export class Model {
  readonly customers: Customer[] = [];
  readonly cards: Card[] = [];
  readonly holds: Hold[] = [];
  readonly redeems: Redeem[] = [];
  now = 0;
  #lotCount = 0;

  constructor(readonly rules: Rules) {}

  create(): void {
    this.customers.push({ status: 'active', into: null, revision: 1, lifetime: 0, lots: [] });
  }

  earn(who: number, points: number): Outcome {
    const customer = this.#active(who);
    if ('error' in customer) return customer;
    settle(customer, this.now);
    const { expiry_days } = this.rules;
    this.#addLot(customer, points, expiry_days === null ? null : this.now + expiry_days);
    customer.lifetime += points;
    return { ok: { points, balance_after: balance(customer) } };
  }

  adjust(who: number, points: number, days: number | null): Outcome {
    const customer = this.#active(who);
    if ('error' in customer) return customer;
    if (points > 0) {
      settle(customer, this.now);
      this.#addLot(customer, points, days === null ? null : this.now + days);
    } else {
      if (available(customer, this.now) < -points) return insufficient;
      settle(customer, this.now);
      take(customer, -points);
    }
    return { ok: { points, balance_after: balance(customer) } };
  }

  redeem(who: number, points: number): Outcome {
    const customer = this.#active(who);
    if ('error' in customer) return customer;
    if (this.#held(who, 'loyalty')) return onHold;
    if (available(customer, this.now) < points) return insufficient;
    settle(customer, this.now);
    this.redeems.push({ customer: who, taken: take(customer, points) });
    return { ok: { points: -points, balance_after: balance(customer) } };
  }

  /** Restores the rest of a redeem. */
  restore(redeem: number): Outcome {
    const debit = this.redeems[redeem] as Redeem;
    const customer = this.#active(debit.customer);
    if ('error' in customer) return customer;
    const left = debit.taken.filter(({ restored }) => !restored);
    if (left.length === 0) return { error: 'crm.loyalty_nothing_to_restore' };
    const grace = this.rules.restore_grace_days;
    const back = left.filter(({ lot }) => grace > 0 || !isExpired(lot, this.now));
    if (back.length === 0) return { error: 'crm.loyalty_points_expired' };
    settle(customer, this.now);
    for (const share of back) {
      share.restored = true;
      share.lot.remaining += share.points;
      if (isExpired(share.lot, this.now)) share.lot.expires = this.now + grace;
    }
    return { ok: { points: sum(back.map(({ points }) => points)), balance_after: balance(customer) } };
  }

  expire(who: number): Outcome {
    const customer = this.#active(who);
    if ('error' in customer) return customer;
    return { ok: { expired_points: settle(customer, this.now) } };
  }

  issue(who: number | null, cents: number): Outcome {
    if (who !== null) {
      const customer = this.#active(who);
      if ('error' in customer) return customer;
    }
    this.cards.push({ owner: who, cents });
    return { ok: { balance: cents / 100 } };
  }

  pay(which: number, cents: number, partial: boolean): Outcome {
    const card = this.cards[which] as Card;
    if (card.owner !== null) {
      const owner = this.#active(card.owner);
      if ('error' in owner) return owner;
      if (this.#held(card.owner, 'stored_value')) return onHold;
    }
    if (card.cents === 0) return { error: 'crm.giftcard_exhausted' };
    if (card.cents < cents && !partial) return { error: 'crm.giftcard_insufficient_balance' };
    card.cents -= Math.min(cents, card.cents);
    return { ok: { balance: card.cents / 100 } };
  }

  /** A suspicious assessment: opens a hold of the scope unless an existing hold covers it. */
  suspect(who: number, scope: Scope): Outcome {
    const customer = this.#active(who);
    if ('error' in customer) return customer;
    const covered = this.#blocking(who).some((hold) => hold.scope === 'all' || hold.scope === scope);
    if (!covered) this.holds.push({ owner: who, scope, status: 'active', revision: 1 });
    return { ok: { recommended_action: 'hold' } };
  }

  resolve(which: number, resolution: 'released' | 'confirmed'): Outcome {
    const hold = this.holds[which] as Hold;
    const allowed = hold.status === 'active' || (hold.status === 'confirmed' && resolution === 'released');
    if (!allowed) return { error: 'crm.hold_transition' };
    hold.status = resolution;
    hold.revision += 1;
    return { ok: { status: resolution, revision: hold.revision } };
  }

  merge(who: number, others: readonly number[]): Outcome {
    if (others.includes(who)) return { error: 'crm.customer_merge_self' };
    const sides = [who, ...others].map((side) => this.#active(side));
    for (const side of sides) if ('error' in side) return side;
    if ([who, ...others].some((side) => this.#blocking(side).length > 0)) return onHold;
    const survivor = this.customers[who] as Customer;
    survivor.revision += 1;
    for (const other of [...others].sort((a, b) => a - b)) this.#absorb(who, survivor, other);
    return { ok: { customer: who, revision: survivor.revision } };
  }

  anonymize(who: number): Outcome {
    const customer = this.#active(who);
    if ('error' in customer) return customer;
    if (this.#blocking(who).length > 0) return onHold;
    customer.status = 'anonymized';
    customer.revision += 1;
    for (const merged of this.customers) if (merged.into === who) merged.revision += 1;
    return { ok: { status: 'anonymized', revision: customer.revision } };
  }

  /** The fields that reading a customer returns. */
  show(who: number): Readonly<Record<string, unknown>> {
    const { status, into, revision, lifetime, lots } = this.customers[who] as Customer;
    const open = lots.filter(({ remaining }) => remaining > 0);
    const cards = this.cards.filter(({ owner, cents }) => owner === who && cents > 0);
    return {
      status,
      into,
      revision,
      lifetime_points: lifetime,
      points_balance: sum(open.map(({ remaining }) => remaining)),
      points_available: sum(open.filter((lot) => !isExpired(lot, this.now)).map(({ remaining }) => remaining)),
      stored_value: cards.length === 0 ? [] : [{ cards: cards.length, cents: sum(cards.map(({ cents }) => cents)) }],
      active_holds: this.#blocking(who).length,
    };
  }

  /** The available points and the stored value of the whole org. */
  totals(): { readonly points: number; readonly cents: number } {
    const points = sum(this.customers.map((customer) => available(customer, this.now)));
    return { points, cents: sum(this.cards.map(({ cents }) => cents)) };
  }

  #active(who: number): Customer | { readonly error: string } {
    const customer = this.customers[who] as Customer;
    return customer.status === 'active' ? customer : { error: 'crm.customer_not_active' };
  }

  #blocking(who: number): readonly Hold[] {
    return this.holds.filter(({ owner, status }) => owner === who && status !== 'released');
  }

  #held(who: number, scope: Scope): boolean {
    return this.#blocking(who).some((hold) => hold.scope === 'all' || hold.scope === scope);
  }

  #addLot(customer: Customer, points: number, expires: number | null): void {
    this.#lotCount += 1;
    customer.lots.push({ remaining: points, expires, order: this.#lotCount });
  }

  #absorb(who: number, survivor: Customer, other: number): void {
    const loser = this.customers[other] as Customer;
    settle(loser, this.now);
    settle(survivor, this.now);
    for (const lot of loser.lots.filter(({ remaining }) => remaining > 0).sort((a, b) => a.order - b.order)) {
      this.#addLot(survivor, lot.remaining, lot.expires);
    }
    survivor.lifetime += loser.lifetime;
    Object.assign(loser, { lots: [], status: 'merged', into: who, revision: loser.revision + 1 });
    for (const card of this.cards) if (card.owner === other) card.owner = who;
    for (const hold of this.holds) {
      if (hold.owner === other) Object.assign(hold, { owner: who, revision: hold.revision + 1 });
    }
    for (const merged of this.customers) {
      if (merged.into === other) Object.assign(merged, { into: who, revision: merged.revision + 1 });
    }
  }
}

const insufficient = { error: 'crm.loyalty_insufficient_points' } as const;
const onHold = { error: 'crm.customer_on_hold' } as const;

function isExpired({ expires }: Lot, now: number): boolean {
  return expires !== null && expires <= now;
}

/** Posts expired lots. Returns their points. */
function settle(customer: Customer, now: number): number {
  const due = customer.lots.filter((lot) => lot.remaining > 0 && isExpired(lot, now));
  const points = sum(due.map(({ remaining }) => remaining));
  for (const lot of due) lot.remaining = 0;
  return points;
}

function available(customer: Customer, now: number): number {
  return sum(customer.lots.filter((lot) => !isExpired(lot, now)).map(({ remaining }) => remaining));
}

function balance({ lots }: Customer): number {
  return sum(lots.map(({ remaining }) => remaining));
}

/** Earliest expiry first, then the oldest. */
function take({ lots }: Customer, points: number): Redeem['taken'] {
  const order = (lot: Lot) => lot.expires ?? Number.POSITIVE_INFINITY;
  const queue = lots
    .filter(({ remaining }) => remaining > 0)
    .sort((a, b) => (order(a) === order(b) ? a.order - b.order : order(a) - order(b)));
  const taken: Share[] = [];
  let left = points;
  for (const lot of queue) {
    const part = Math.min(left, lot.remaining);
    if (part === 0) break;
    lot.remaining -= part;
    left -= part;
    taken.push({ lot, points: part, restored: false });
  }
  return taken;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
