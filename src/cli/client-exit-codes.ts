/** The exit codes of the client, by error tag: for the program, its help and the documentation. */
import type { ErrorTag } from '../contract/errors.js';

export interface ExitCode {
  readonly code: number;
  readonly meaning: string;
  readonly tags?: readonly ErrorTag[];
}

export const CLIENT_EXIT_CODES: readonly ExitCode[] = [
  { code: 0, meaning: 'success' },
  { code: 1, meaning: 'the server failed, or an answer was not understood', tags: ['internal-error'] },
  { code: 2, meaning: 'usage error: nothing was sent' },
  { code: 3, meaning: 'the server or the database could not be reached: nothing was changed' },
  { code: 4, meaning: 'the request is not valid', tags: ['validation-error'] },
  { code: 5, meaning: 'the credential is missing or not valid', tags: ['unauthorized'] },
  { code: 6, meaning: 'not allowed', tags: ['forbidden', 'org-write-blocked'] },
  { code: 7, meaning: 'there is no such record', tags: ['not-found'] },
  { code: 8, meaning: 'conflict: the record has changed, or says otherwise', tags: ['conflict'] },
  { code: 9, meaning: 'a revision is needed: --expected-revision or --latest', tags: ['expected-revision-required'] },
  { code: 10, meaning: 'the state of the record does not allow it', tags: ['invalid-state'] },
  { code: 11, meaning: 'too many calls: try again later', tags: ['throttled'] },
  { code: 12, meaning: 'no answer came: the change may have happened; the message says how to find out' },
  { code: 13, meaning: 'you said no' },
];

export const UNREACHABLE = 3;
export const OUTCOME_UNKNOWN = 12;
export const DECLINED = 13;
const FAILED = 1;

/** The exit code of an error of the contract. */
export function exitCodeOfTag(tag: string): number {
  return CLIENT_EXIT_CODES.find(({ tags }) => tags?.includes(tag as ErrorTag) === true)?.code ?? FAILED;
}

/** The table as a section of the help. */
export function clientExitCodesHelp(): string {
  const lines = CLIENT_EXIT_CODES.map(
    ({ code, meaning, tags = [] }) =>
      `  ${String(code).padStart(2)}  ${meaning}${tags.length === 0 ? '' : ` (${tags.join(', ')})`}`,
  );
  return ['', 'Exit codes:', ...lines].join('\n');
}
