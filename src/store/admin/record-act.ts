/**
 * The journal of what operators do: changes of orgs, users and credentials get a row in the journal of the org, in the
 * transaction of the change, so that an auditor sees who let whom in.
 */
import type { AdminContext } from '../administration.js';
import type { JournalNumbering } from '../engine/dialect.js';
import { SEAL_BATCH, sealJournal } from '../engine/journal.js';
import { enterOrg, type Steps } from '../engine/step.js';

export interface Operator {
  /** `operator:` and the name of the operating system's user. */
  readonly actor: string;
  readonly journal: JournalNumbering;
}

export interface AdminAct {
  /** The words of the command. */
  readonly operation: string;
  /** The fingerprint of a credential, the id of a principal, or the org code; never a name of a person. */
  readonly target: string;
  /** The names of what was changed. */
  readonly fields: readonly string[];
  /** The new values that are neither secret nor personal, such as roles. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** `recordActs` for one act. */
export function recordAct(cx: AdminContext, orgcode: string, act: AdminAct): Steps<void> {
  return recordActs(cx, orgcode, [act]);
}

/** Adds rows to the org's journal and seals them: no server may be running that would. Does nothing without operator. */
export function* recordActs(cx: AdminContext, orgcode: string, acts: readonly AdminAct[]): Steps<void> {
  if (cx.operator === undefined || acts.length === 0) return;
  const { actor, journal } = cx.operator;
  yield* enterOrg(orgcode);
  for (const { operation, target, fields, facts = {} } of acts)
    yield* journal.append([
      orgcode,
      cx.newId(),
      actor,
      '["operator"]',
      JSON.stringify(facts),
      operation,
      target,
      JSON.stringify(fields),
      null,
      null,
      null,
      null,
      cx.now,
    ]);
  while ((yield* sealJournal(orgcode, cx.keys, journal, cx.now)) === SEAL_BATCH) {
    // a full batch: there may be more
  }
}
