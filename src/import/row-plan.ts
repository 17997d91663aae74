/** The calls of one row: their inputs, the checks of the pipeline, and the steps that perform them together. */
import { basename } from 'node:path';
import type { Caller, Input, Stamp } from '../contract/backend.js';
import { CONTRACT } from '../contract/generated/contract.js';
import type { Operation } from '../contract/operation.js';
import type { Validate } from '../contract/validate.js';
import type { Steps } from '../store/engine/step.js';
import { type CreatedCustomer, type LoadedRow, loadCustomer, OPENING_BALANCE } from '../store/import/load-customer.js';
import type { PerformSteps } from '../store/store.js';
import { checkInput, checkTogether } from './check-input.js';
import type { ExternalRef, RowCalls } from './row-calls.js';

/** What the calls of all rows have in common. */
export interface RowContext {
  /** The operator, as the journal names them. */
  readonly caller: Caller;
  readonly validate: Validate;
  readonly makeStamp: () => Stamp;
  /** The path of the file. */
  readonly file: string;
}

const REASON_CODE = 'SYSTEM.IMPORT';
const CREATE = operationOf('customer_create');
const SET_CONSENTS = operationOf('customer_consent_set');
const ADJUST = operationOf('loyalty_adjust');
/** Stands for the id of the new customer while the other calls are checked. */
const NO_ID = '00000000-0000-7000-8000-000000000000';

/**
 * Checks the calls of a row, and returns the steps that perform them.
 * @throws CrmError with the issues of all its calls.
 */
export function planRow(
  context: RowContext,
  no: number,
  { customer, consents, points, points_expires_at: givenExpiry }: RowCalls,
  ref: ExternalRef,
): (perform: PerformSteps) => Steps<LoadedRow> {
  const { caller, validate, makeStamp, file } = context;
  const stamp = makeStamp();
  const common = { reason: `import of ${basename(file).slice(0, 200)}, row ${no}`, reason_code: REASON_CODE };
  const create = { customer, ...common };
  const consentsOf = (customer_id: string) => ({ customer_id, source: 'import', ...consents, ...common });
  const adjust = (customer_id: string, expires_at: unknown) => ({
    customer_id,
    points,
    ...(expires_at === null ? {} : { expires_at }),
    reason: OPENING_BALANCE,
    reason_code: REASON_CODE,
  });
  const check = (operation: Operation, input: object) => () => checkInput(validate, operation, caller, input);
  checkTogether([
    check(CREATE, create),
    ...(consents === undefined ? [] : [check(SET_CONSENTS, consentsOf(NO_ID))]),
    ...(points === undefined ? [] : [check(ADJUST, adjust(NO_ID, givenExpiry ?? null))]),
  ]);
  return (perform) => {
    const run = (operation: Operation, input: object) =>
      perform({ operation, input: input as Input, caller, context: {}, stamp });
    return loadCustomer({
      orgcode: caller.orgcode,
      ref,
      now: stamp.now,
      *create() {
        return (yield* run(CREATE, create)).data as CreatedCustomer;
      },
      setConsents: consents && ((id) => run(SET_CONSENTS, consentsOf(id))),
      postPoints: points === undefined ? undefined : (id, expiry) => run(ADJUST, adjust(id, givenExpiry ?? expiry)),
    });
  };
}

function operationOf(id: string): Operation {
  const operation = CONTRACT.operations.find((candidate) => candidate.id === id);
  if (operation === undefined) throw new Error(`the contract has no ${id}`);
  return operation;
}
