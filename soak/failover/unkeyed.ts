/** Earns without an idempotency key: nobody can repeat them, so the answer must say what is known. */
import { setTimeout as sleep } from 'node:timers/promises';
import { newEarn } from '../operations.js';
import type { Random } from '../random.js';
import type { Run } from '../worker.js';

export interface UnkeyedFigures {
  sent: number;
  /** Answered `outcome: "unknown"`: it may have happened, once. */
  unknown: number;
  /** Answered with an error that says that nothing was written. */
  unwritten: number;
}

const PAUSE_MS = 10;

/** Sends earns, each once, until the run is over. Notes those acknowledged, and those that must not exist. */
export async function workUnkeyed(run: Run, figures: UnkeyedFigures, random: Random): Promise<void> {
  while (!run.isOver()) {
    const operation = newEarn(run.books, random);
    if (operation === undefined) return;
    const answer = await (await run.cluster.pick(random)).call(operation.path, operation.body);
    figures.sent += 1;
    if (answer.ok) operation.acknowledged(answer);
    else if (answer.isUnknown) figures.unknown += 1;
    else {
      run.books.refused.add(operation.mark);
      if (answer.status === 503) figures.unwritten += 1;
      else if (!operation.refusals.includes(answer.code))
        run.books.fault('answer', `${operation.mark}: ${answer.status} ${answer.code}`);
    }
    await sleep(PAUSE_MS);
  }
}
