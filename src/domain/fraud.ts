/** Fraud assessment: the rules, their weights and the meaning of a score. Facts are gathered in store/risk/. */
import { isIP, SocketAddress } from 'node:net';
import { epochOf } from '../contract/date-time.js';
import type { components } from '../contract/generated/openapi.js';

type Schemas = components['schemas'];
type Assessment = Schemas['CustomerFraudAssessment'];

/** The fields of a points ledger entry that the rules use. */
export interface LedgerEntry {
  readonly kind: string;
  readonly points: number;
  readonly actor: string;
  readonly created_at: string;
}

/** The identifiers of a customer. */
export const IDENTIFIERS = ['email', 'phone', 'device_id', 'ip'] as const;
export type FraudIdentifier = (typeof IDENTIFIERS)[number];

/** All facts that the rules can use. */
export interface FraudFacts {
  readonly now: string;
  /** The actor who requests the assessment, and who is about to allow the event. */
  readonly actor: string;
  readonly event: { readonly type: Schemas['FraudEventType']; readonly points: number | null } | null;
  readonly customer_created_at: string;
  readonly points_balance: number;
  /** The customer's newest entries, newest first; at most `ENTRIES_READ`. */
  readonly entries: readonly LedgerEntry[];
  /** How many other customers share each identifier; at most `SHARED_COUNTED`. */
  readonly shared: { readonly [Name in FraudIdentifier]: number };
  /** Recent wrong codes and PINs, on the customer's cards or by the caller. */
  readonly failed_card_attempts: number;
  /** The caller's own signals, each 0 to 1. */
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
/** The weight of one caller signal at 1: enough for a hold, so that a person can request one this way. */
const SIGNAL_WEIGHT = 50;

/**
 * From how many other customers on an identifier is suspicious, and which share of the rule's weight that adds.
 * Households share phones; offices and mobile networks share IP addresses.
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
  /** The share of the rule's weight that this finding adds; default 1. */
  readonly degree?: number;
}

interface Rule {
  readonly code: string;
  /** The most it can add to the score. */
  readonly weight: number;
  /** The rule's finding in the facts; undefined when it does not fire. */
  readonly find: (facts: FraudFacts) => Finding | undefined;
}

/** No single rule reaches a hold, except the caller's own signals. */
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

type LevelAndAction = Pick<FraudVerdict, 'level' | 'recommended_action'>;

/** The levels by their minimum score, worst first. */
export const LEVELS: readonly (LevelAndAction & { readonly from: number })[] = Object.freeze([
  { from: 75, level: 'critical', recommended_action: 'hold' },
  { from: 50, level: 'high', recommended_action: 'hold' },
  { from: 25, level: 'medium', recommended_action: 'review' },
]);
const LOWEST_LEVEL: LevelAndAction = { level: 'low', recommended_action: 'allow' };

/** The rules that fire on these facts, the score, and its meaning. */
export function assessFraud(facts: FraudFacts): FraudVerdict {
  const signals = RULES.flatMap(({ code, weight, find }) => {
    const finding = find(facts);
    const added = finding === undefined ? 0 : Math.round(weight * Math.min(1, finding.degree ?? 1));
    return finding === undefined || added === 0 ? [] : [{ code, weight: added, evidence: finding.evidence }];
  });
  const sum = signals.reduce((total, { weight }) => total + weight, 0);
  const score = Math.min(MAX_SCORE, sum);
  return { score, ...levelOf(score), signals };
}

/** An IP address in canonical form, or undefined when the text is not one. */
export function canonicalIp(text: string): string | undefined {
  const version = isIP(text);
  if (version === 0) return undefined;
  return new SocketAddress({ address: text, family: version === 6 ? 'ipv6' : 'ipv4' }).address;
}

function levelOf(score: number): LevelAndAction {
  const { level, recommended_action } = LEVELS.find(({ from }) => score >= from) ?? LOWEST_LEVEL;
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

/** Counts from the last entry before the past 24 hours; the points spent are the event's or the ledger's. */
function dormantThenBurn(facts: FraudFacts): Finding | undefined {
  const last = facts.entries.find((entry) => isMadeByPerson(entry) && ageMs(facts, entry.created_at) > DAY_MS);
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

/** The ledger entries of the last `ms` milliseconds that a person made, newest first. */
function within(facts: FraudFacts, ms: number): readonly LedgerEntry[] {
  return facts.entries.filter((entry) => isMadeByPerson(entry) && ageMs(facts, entry.created_at) <= ms);
}

/** Whether a person made the entry; expiry and merges post entries on their own. */
function isMadeByPerson({ kind }: LedgerEntry): boolean {
  return !['expire', 'merge_in', 'merge_out'].includes(kind);
}

function redeemed(facts: FraudFacts): number {
  return within(facts, DAY_MS).reduce((sum, { kind, points }) => (kind === 'redeem' ? sum - points : sum), 0);
}

function ageMs(facts: FraudFacts, iso: string): number {
  return epochOf(facts.now) - epochOf(iso);
}

function others(count: number): string {
  return `${count}${count === SHARED_COUNTED ? ' or more' : ''} other${count === 1 ? '' : 's'}`;
}
