/**
 * Checks that a history of one balance is linearizable: that every answer is one that a single server could have given
 * at some moment between the call and its answer.
 *
 * The ledger gives the order of the changes, so only their moments are to be found. The checker finds the latest
 * possible ones: it walks through the history in the order of time and moves the balance on only when an answer
 * requires it. A moment that is too early for this is too early for every choice of moments, so a fault is a fault, and
 * a history without one is linearizable.
 */

/** What was sent: a read, or a change of the balance under an idempotency key. */
export type Request =
  | { readonly kind: 'read' }
  | { readonly kind: 'change'; readonly key: string; readonly by: number };

/** The answer to a read: the balance, and the newest entry of the ledger if the answer tells it. */
interface Reading {
  readonly kind: 'read';
  readonly balance: number;
  readonly newest?: string | undefined;
}

/** The answer to a change: its entry, or that the balance is too low. */
export type ChangeAnswer =
  | { readonly kind: 'done'; readonly entry: string; readonly balance: number; readonly replayed: boolean }
  | { readonly kind: 'refused'; readonly replayed: boolean };

export type Answer = Reading | ChangeAnswer;

/** A call. Times are ticks of one counter: no two are equal. */
export interface Call {
  readonly request: Request;
  readonly sentAt: number;
  /** Undefined: no answer came, and the change may have happened or may still happen. */
  readonly answered?: { readonly at: number; readonly answer: Answer } | undefined;
}

/** An entry of the ledger, read when all calls were over. */
export interface LedgerEntry {
  readonly id: string;
  /** The idempotency key of its change. */
  readonly key: string;
  readonly by: number;
  readonly balance: number;
}

/** A change with all its calls: it happened, if it did, after `from` and before `until`. */
interface Change {
  readonly key: string;
  readonly by: number;
  readonly from: number;
  readonly until: number;
  readonly answer: ChangeAnswer | undefined;
}

/** Something that must be true of the balance at some moment between two ticks. */
interface Observation {
  readonly name: string;
  readonly from: number;
  readonly until: number;
  /** Whether the balance after so many entries fits. */
  fits(position: number): boolean;
}

/** What is wrong with a history of a balance that began at 0; nothing, if it is linearizable. */
export function historyFaults(calls: readonly Call[], ledger: readonly LedgerEntry[]): string[] {
  const faults: string[] = [];
  const changes = changesOf(calls, faults);
  checkLedger(ledger, changes, faults);
  checkOrder(calls, ledger, changes, faults);
  return faults;
}

/** Joins the calls of each key. */
function changesOf(calls: readonly Call[], faults: string[]): ReadonlyMap<string, Change> {
  const byKey = new Map<string, Call[]>();
  for (const call of calls)
    if (call.request.kind === 'change') byKey.set(call.request.key, [...(byKey.get(call.request.key) ?? []), call]);
  return new Map([...byKey].map(([key, sent]) => [key, changeOf(key, sent, faults)]));
}

function changeOf(key: string, sent: readonly Call[], faults: string[]): Change {
  const answered = sent.flatMap(({ sentAt, answered }) =>
    answered !== undefined && answered.answer.kind !== 'read'
      ? [{ sentAt, at: answered.at, answer: answered.answer }]
      : [],
  );
  const first = answered.filter(({ answer }) => !answer.replayed);
  const unanswered = sent.filter((call) => call.answered === undefined);
  if (first.length > 1) faults.push(`${key}: ${first.length} calls were answered as the first`);
  if (first.length === 0 && unanswered.length === 0) faults.push(`${key}: replayed, but no call was the first`);
  if (new Set(answered.map(({ answer }) => outcomeOf(answer))).size > 1) faults.push(`${key}: answered differently`);
  const acting = first.length > 0 ? first : unanswered.length > 0 ? unanswered : sent;
  const [call] = sent;
  return {
    key,
    by: call?.request.kind === 'change' ? call.request.by : 0,
    from: Math.min(...acting.map(({ sentAt }) => sentAt)),
    until: Math.min(...answered.map(({ at }) => at)),
    answer: answered[0]?.answer,
  };
}

function outcomeOf(answer: ChangeAnswer): string {
  return answer.kind === 'done' ? `${answer.entry} leaves ${answer.balance}` : 'refused';
}

/** The ledger adds up, and holds what was answered, and only that, once. */
function checkLedger(ledger: readonly LedgerEntry[], changes: ReadonlyMap<string, Change>, faults: string[]): void {
  const seen = new Set<string>();
  let before = 0;
  for (const { id, key, by, balance } of ledger) {
    if (before + by !== balance) faults.push(`entry ${id} (${key}): ${by} on ${before} cannot leave ${balance}`);
    if (balance < 0) faults.push(`entry ${id} (${key}) leaves ${balance}`);
    if (seen.has(key)) faults.push(`${key}: acted twice, the second time in entry ${id}`);
    seen.add(key);
    before = balance;
    const change = changes.get(key);
    if (change === undefined) faults.push(`entry ${id} (${key}) was never sent`);
    else if (change.by !== by) faults.push(`entry ${id} (${key}): ${by}, but ${change.by} was sent`);
    else if (change.answer?.kind === 'refused') faults.push(`entry ${id} (${key}): its call was refused`);
    else if (change.answer !== undefined && outcomeOf(change.answer) !== `${id} leaves ${balance}`)
      faults.push(`entry ${id} (${key}) leaves ${balance}, but the answer was: ${outcomeOf(change.answer)}`);
  }
  for (const { key, answer } of changes.values())
    if (answer?.kind === 'done' && !seen.has(key)) faults.push(`${key}: acknowledged, but not in the ledger`);
}

/** Walks through the history and finds a moment for every entry, every read and every refusal. */
function checkOrder(
  calls: readonly Call[],
  ledger: readonly LedgerEntry[],
  changes: ReadonlyMap<string, Change>,
  faults: string[],
): void {
  const sentAt = ledger.map(({ key }) => changes.get(key)?.from ?? 0);
  const observations = [...deadlines(ledger, changes), ...readings(calls, ledger), ...refusals(ledger, changes)];
  const starts = observations.map((observation) => ({ at: observation.from, isStart: true, observation }));
  const ends = observations.map((observation) => ({ at: observation.until, isStart: false, observation }));
  const begun = new Map<Observation, number>();
  let position = 0;
  for (const { at, isStart, observation } of [...starts, ...ends].sort((a, b) => a.at - b.at)) {
    if (isStart) begun.set(observation, position);
    else {
      const first = begun.get(observation) ?? 0;
      const fitting = firstFitting(observation, first, at, sentAt);
      if (fitting === undefined) faults.push(`${observation.name}: ${reasonOf(observation, first, ledger.length)}`);
      else position = Math.max(position, fitting);
    }
  }
}

/** The first position from `first` on that fits and that the balance can have reached at a tick. */
function firstFitting({ fits }: Observation, first: number, at: number, sentAt: readonly number[]): number | undefined {
  for (let position = first; ; position += 1) {
    if (fits(position)) return position;
    const next = sentAt[position];
    if (next === undefined || next > at) return undefined;
  }
}

function reasonOf({ fits }: Observation, first: number, last: number): string {
  for (let position = first - 1; position >= 0; position -= 1)
    if (fits(position)) return 'true before it was sent, and no longer';
  for (let position = first; position <= last; position += 1)
    if (fits(position)) return 'true only after an entry that was sent later than this was answered';
  return 'true at no time';
}

/** An answered change is in the balance when its answer comes. */
function deadlines(ledger: readonly LedgerEntry[], changes: ReadonlyMap<string, Change>): Observation[] {
  return ledger.flatMap(({ id, key }, index) => {
    const change = changes.get(key);
    if (change === undefined || change.until === Number.POSITIVE_INFINITY) return [];
    const { from, until } = change;
    return [{ name: `entry ${id} (${key}) is done`, from, until, fits: (position) => position > index }];
  });
}

function readings(calls: readonly Call[], ledger: readonly LedgerEntry[]): Observation[] {
  return calls.flatMap(({ sentAt, answered }) => {
    if (answered?.answer.kind !== 'read') return [];
    const { balance, newest } = answered.answer;
    const fits = (position: number) =>
      balance === balanceAt(ledger, position) && (newest === undefined || newest === ledger[position - 1]?.id);
    const name = `read of ${balance}${newest === undefined ? '' : ` after ${newest}`}, sent at ${sentAt}`;
    return [{ name, from: sentAt, until: answered.at, fits }];
  });
}

function refusals(ledger: readonly LedgerEntry[], changes: ReadonlyMap<string, Change>): Observation[] {
  return [...changes.values()]
    .filter(({ answer }) => answer?.kind === 'refused')
    .map(({ key, by, from, until }) => ({
      name: `${key}: refusal of ${by}`,
      from,
      until,
      fits: (position) => balanceAt(ledger, position) + by < 0,
    }));
}

function balanceAt(ledger: readonly LedgerEntry[], position: number): number {
  return ledger[position - 1]?.balance ?? 0;
}
