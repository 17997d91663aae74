/** Fraud: the rules, what each weighs, and what a score means. Not: where facts come from, what a hold does. */
import { isIP, SocketAddress } from 'node:net';
import type { components } from '../contract/generated/openapi.js';

type Schemas = components['schemas'];
type Assessment = Schemas['CustomerFraudAssessment'];

/** An entry of the points ledger, as far as rules look at it. */
export interface LedgerEntry {
  readonly kind: string;
  readonly points: number;
  readonly actor: string;
  readonly created_at: string;
}

/** What can identify a customer. */
export const IDENTIFIERS = ['email', 'phone', 'device_id', 'ip'] as const;
export type FraudIdentifier = (typeof IDENTIFIERS)[number];

/** Everything the rules may know. */
export interface FraudFacts {
  readonly now: string;
  /** Who asks, and so is about to let the event happen. */
  readonly actor: string;
  readonly event: { readonly type: Schemas['FraudEventType']; readonly points: number | null } | null;
  readonly customer_created_at: string;
  readonly points_balance: number;
  /** The newest of the customer's, newest first; `ENTRIES_READ` at most. */
  readonly entries: readonly LedgerEntry[];
  /** How many other customers have the same; `SHARED_COUNTED` at most. */
  readonly shared: { readonly [Name in FraudIdentifier]: number };
  /** Wrong codes and PINs of late, on the customer's cards or by the caller. */
  readonly failed_card_attempts: number;
  /** The caller's own, each 0 to 1. */
  readonly signals: { readonly [name: string]: number };
}

export interface FraudVerdict {
  readonly score: number;
  readonly level: Assessment['level'];
  readonly recommended_action: Assessment['recommended_action'];
  readonly signals: Assessment['signals'];
}

export const ENTRIES_READ = 256;
export const SHARED_COUNTED = 20;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MAX_SCORE = 100;

const NEW_FOR_MS = DAY_MS;
const DORMANT_DAYS = 180;
const BURN_SHARE = 0.5;
const FAILED_ATTEMPTS = 3;
const CALLER_WEIGHT = 80;
/** What one signal of the caller at 1 weighs: enough for a hold, which is how a person asks for one. */
const SIGNAL_WEIGHT = 50;

/**
 * How many others make an identifier suspicious, and how much of the rule's weight that is. Households share phones,
 * offices and mobile networks share addresses.
 */
const SHARING: { readonly [Name in FraudIdentifier]: { readonly from: number; readonly degree: number } } =
  Object.freeze({
    email: { from: 1, degree: 1 },
    phone: { from: 1, degree: 0.5 },
    device_id: { from: 2, degree: 1 },
    ip: { from: 5, degree: 0.5 },
  });

interface Finding {
  readonly evidence: string;
  /** How much of the rule's weight this is; 1 when not said. */
  readonly degree?: number;
}

interface Rule {
  readonly code: string;
  /** What it adds to the score at most. */
  readonly weight: number;
  /** What the rule sees in the facts; nothing when it does not fire. */
  readonly find: (facts: FraudFacts) => Finding | undefined;
}

/** No rule alone reaches a hold, but the caller's own signals. */
export const RULES: readonly Rule[] = Object.freeze([
  { code: 'velocity_1h', weight: 30, find: velocity(1, 6) },
  { code: 'velocity_24h', weight: 20, find: velocity(24, 20) },
  { code: 'new_account_spending', weight: 25, find: newAccountSpending },
  { code: 'dormant_then_burn', weight: 30, find: dormantThenBurn },
  { code: 'adjust_then_redeem', weight: 45, find: adjustThenRedeem },
  { code: 'shared_identifier', weight: 30, find: sharedIdentifier },
  { code: 'failed_card_attempts', weight: 35, find: failedCardAttempts },
  { code: 'caller_signals', weight: CALLER_WEIGHT, find: callerSignals },
]);

type Meaning = Pick<FraudVerdict, 'level' | 'recommended_action'>;

/** From which score on, worst first. */
export const LEVELS: readonly (Meaning & { readonly from: number })[] = Object.freeze([
  { from: 75, level: 'critical', recommended_action: 'hold' },
  { from: 50, level: 'high', recommended_action: 'hold' },
  { from: 25, level: 'medium', recommended_action: 'review' },
]);
const BELOW: Meaning = { level: 'low', recommended_action: 'allow' };

/** The rules that fire on these facts, what they come to, and what that means. */
export function assessFraud(facts: FraudFacts): FraudVerdict {
  const signals = RULES.flatMap(({ code, weight, find }) => {
    const finding = find(facts);
    const added = finding === undefined ? 0 : Math.round(weight * Math.min(1, finding.degree ?? 1));
    return finding === undefined || added === 0 ? [] : [{ code, weight: added, evidence: finding.evidence }];
  });
  const sum = signals.reduce((total, { weight }) => total + weight, 0);
  const score = Math.min(MAX_SCORE, sum);
  return { score, ...meaningOf(score), signals };
}

/** An IP address in its one normal form, or undefined when it is none. */
export function canonicalIp(text: string): string | undefined {
  const version = isIP(text);
  if (version === 0) return undefined;
  return new SocketAddress({ address: text, family: version === 6 ? 'ipv6' : 'ipv4' }).address;
}

function meaningOf(score: number): Meaning {
  const { level, recommended_action } = LEVELS.find(({ from }) => score >= from) ?? BELOW;
  return { level, recommended_action };
}

function velocity(hours: number, from: number): Rule['find'] {
  return (facts) => {
    const count = within(facts, hours * HOUR_MS).length;
    return count < from ? undefined : { evidence: `${count} ledger entries within ${hours} h` };
  };
}

function newAccountSpending(facts: FraudFacts): Finding | undefined {
  const age = ageMs(facts, facts.customer_created_at);
  const spends = ['redeem', 'giftcard_issue', 'giftcard_redeem'].includes(facts.event?.type ?? '');
  if (age >= NEW_FOR_MS || !(spends || redeemed(facts) > 0)) return undefined;
  return { evidence: `a customer for ${Math.floor(age / HOUR_MS)} h, and spending` };
}

/** Counted from the last entry before today's; what is spent is the event's points or what the ledger shows. */
function dormantThenBurn(facts: FraudFacts): Finding | undefined {
  const last = facts.entries.find((entry) => isDone(entry) && ageMs(facts, entry.created_at) > DAY_MS);
  const days = last === undefined ? 0 : Math.floor(ageMs(facts, last.created_at) / DAY_MS);
  const posted = redeemed(facts);
  const burned = Math.max(posted, facts.event?.type === 'redeem' ? (facts.event.points ?? 0) : 0);
  if (days < DORMANT_DAYS || burned === 0 || burned < BURN_SHARE * (facts.points_balance + posted)) return undefined;
  return { evidence: `no ledger entry for ${days} days, then ${burned} points at once` };
}

function adjustThenRedeem(facts: FraudFacts): Finding | undefined {
  const redeemers = new Set(facts.event?.type === 'redeem' ? [facts.actor] : []);
  for (const { kind, points, actor } of within(facts, DAY_MS)) {
    if (kind === 'redeem') redeemers.add(actor);
    if (kind === 'adjust' && points > 0 && redeemers.has(actor)) {
      return { evidence: `one actor added ${points} points and redeems, within 24 h` };
    }
  }
  return undefined;
}

function sharedIdentifier({ shared }: FraudFacts): Finding | undefined {
  const names = IDENTIFIERS.filter((name) => shared[name] >= SHARING[name].from);
  if (names.length === 0) return undefined;
  return {
    evidence: names.map((name) => `${name} of ${others(shared[name])}`).join(', '),
    degree: Math.max(...names.map((name) => SHARING[name].degree)),
  };
}

function failedCardAttempts({ failed_card_attempts: count }: FraudFacts): Finding | undefined {
  return count < FAILED_ATTEMPTS ? undefined : { evidence: `${count} wrong gift card codes or PINs of late` };
}

function callerSignals({ signals }: FraudFacts): Finding | undefined {
  const entries = Object.entries(signals);
  const weight = entries.reduce((sum, [, value]) => sum + value * SIGNAL_WEIGHT, 0);
  return { evidence: entries.map(([name, value]) => `${name} ${value}`).join(', '), degree: weight / CALLER_WEIGHT };
}

/** What people did on the ledger in the last `ms`, newest first. */
function within(facts: FraudFacts, ms: number): readonly LedgerEntry[] {
  return facts.entries.filter((entry) => isDone(entry) && ageMs(facts, entry.created_at) <= ms);
}

/** Expiry and merges post entries that nobody asked for. */
function isDone({ kind }: LedgerEntry): boolean {
  return !['expire', 'merge_in', 'merge_out'].includes(kind);
}

function redeemed(facts: FraudFacts): number {
  return within(facts, DAY_MS).reduce((sum, { kind, points }) => (kind === 'redeem' ? sum - points : sum), 0);
}

function ageMs(facts: FraudFacts, iso: string): number {
  return Date.parse(facts.now) - Date.parse(iso);
}

function others(count: number): string {
  return `${count}${count === SHARED_COUNTED ? ' or more' : ''} other${count === 1 ? '' : 's'}`;
}
