/**
 * Recovers the order in which the entries of one ledger were committed, for ledgers whose entries have no `seq` yet.
 * Ids do not give it: they carry the clock of the server that made them. The journal does, for the entries that it
 * names. Besides, every entry leads from the balance before it to the balance after it, so the order of commits is a
 * path over all entries, from zero to the present balance.
 */

/** An entry as a step from one balance to the next. */
export interface BalanceStep {
  readonly id: string;
  readonly from: number;
  readonly to: number;
}

/**
 * The entries in an order in which they can have been committed, or undefined when there is none: then the ledger
 * really disagrees. The journal's order is tried first; then any path, with smaller ids first where several fit.
 * @param steps in the order of their ids
 * @param journalNo the journal row of each entry that has one, by id
 */
export function commitOrder(
  steps: readonly BalanceStep[],
  journalNo: ReadonlyMap<string, number> = new Map(),
): readonly BalanceStep[] | undefined {
  return journalOrder(steps, journalNo) ?? balancePath(steps);
}

/** The order of the journal; what it does not name (expiries, merges) goes where the balances leave a gap. */
function journalOrder(
  steps: readonly BalanceStep[],
  journalNo: ReadonlyMap<string, number>,
): readonly BalanceStep[] | undefined {
  const place = ({ id }: BalanceStep) => journalNo.get(id) ?? 0;
  const named = steps.filter((step) => place(step) > 0).sort((a, b) => place(a) - place(b));
  const others = new Set(steps.filter((step) => place(step) === 0));
  const path: BalanceStep[] = [];
  let balance = 0;
  const fill = (until: (balance: number) => boolean) => {
    while (!until(balance)) {
      const step = [...others].find(({ from }) => from === balance);
      if (step === undefined) return;
      others.delete(step);
      path.push(step);
      balance = step.to;
    }
  };
  for (const step of named) {
    fill((reached) => reached === step.from);
    if (balance !== step.from) return undefined;
    path.push(step);
    balance = step.to;
  }
  fill(() => false);
  return others.size === 0 ? path : undefined;
}

/** Any path over all steps that starts at zero (Hierholzer's algorithm), or undefined. */
function balancePath(steps: readonly BalanceStep[]): readonly BalanceStep[] | undefined {
  const leaving = stepsByBalance(steps);
  const used = new Map<number, number>();
  const stack: { readonly balance: number; readonly step?: BalanceStep }[] = [{ balance: 0 }];
  const path: BalanceStep[] = [];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const count = used.get(top.balance) ?? 0;
    const step = leaving.get(top.balance)?.[count];
    if (step === undefined) {
      if (top.step !== undefined) path.push(top.step);
      stack.pop();
    } else {
      used.set(top.balance, count + 1);
      stack.push({ balance: step.to, step });
    }
  }
  path.reverse();
  const connected = path.every(({ from }, index) => from === (path[index - 1]?.to ?? 0));
  return connected && path.length === steps.length ? path : undefined;
}

function stepsByBalance(steps: readonly BalanceStep[]): ReadonlyMap<number, readonly BalanceStep[]> {
  const leaving = new Map<number, BalanceStep[]>();
  for (const step of steps) {
    const group = leaving.get(step.from);
    if (group === undefined) leaving.set(step.from, [step]);
    else group.push(step);
  }
  return leaving;
}
