/** What calls are answered while a process has not the server key that its database uses. */
import { CrmError } from '../contract/errors.js';
import type { DatabaseFileError } from './open-error.js';

/** 503: what this process would write, others could not read. */
export function serverKeyLacks({ problem }: DatabaseFileError): CrmError {
  return new CrmError({
    code: 'crm.storage_unavailable',
    tag: 'internal-error',
    status: 503,
    message: `Nothing was written: ${problem}.`,
    retryable: true,
    nextSteps: ['Tell the operator: put the right server key in place.', 'Afterwards repeat the call.'],
  });
}
