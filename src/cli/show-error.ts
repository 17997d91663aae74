/** Tells a person what went wrong with a call, and what to do. */
import type { ErrorObject } from '../contract/envelope.js';
import type { Operation } from '../contract/operation.js';
import { colored } from '../terminal/color.js';
import { exitCodeOfTag, OUTCOME_UNKNOWN, UNREACHABLE } from './client-exit-codes.js';
import type { CrmCommand } from './commands.js';
import type { Io } from './io.js';
import type { Signature } from './request-flags.js';
import { oneLine } from './terminal-text.js';

interface ShownIssue {
  readonly path?: unknown;
  readonly message?: unknown;
  readonly expected?: unknown;
}

export interface ErrorContext {
  readonly io: Pick<Io, 'stderr' | 'env'>;
  readonly commands: readonly CrmCommand[];
}

/** Writes the error with a line for each issue, under the name of its flag, and the next steps. */
export function showError(
  error: ErrorObject,
  signature: Signature | undefined,
  { io: { stderr: stream, env }, commands }: ErrorContext,
): void {
  const { details = {}, next_steps = [] } = error;
  const issues = Array.isArray(details.issues) ? (details.issues as readonly ShownIssue[]) : [];
  const lines = [
    `${colored('error:', 'red', stream, env)} ${oneLine(error.major.message.en_US)} (${oneLine(error.error_code)})`,
    ...issues.map(({ path, message, expected }) => {
      const text = `${flagAt(signature, String(path ?? ''))}: ${String(message ?? '')}`;
      return `  ${oneLine(expected === undefined ? text : `${text}; expected ${String(expected)}`)}`;
    }),
    ...next_steps.map((step) => `  ${colored(`- ${oneLine(inWordsOfTheClient(step, commands))}`, 'dim', stream, env)}`),
    `  ${colored(`request id: ${oneLine(error.request_id)}`, 'dim', stream, env)}`,
  ];
  stream.write(`${lines.join('\n')}\n`);
}

/** The client could not get an answer, or none that it understands. */
const WITHOUT_ANSWER = ['crm.gateway_unavailable', 'crm.gateway_timeout', 'crm.gateway_bad_reply'];

/** The exit code of a failed call. */
export function exitCodeOfError({ major, details = {}, error_code }: ErrorObject, { effect }: Operation): number {
  if (WITHOUT_ANSWER.includes(error_code))
    return effect !== 'read' && details.outcome === 'unknown' ? OUTCOME_UNKNOWN : UNREACHABLE;
  return exitCodeOfTag(major.tag);
}

function flagAt(signature: Signature | undefined, path: string): string {
  const flag = signature?.flags.find(
    (one) => one.path.join('.') === path.replaceAll(/^\/|\[\d+\]/g, '').replaceAll('/', '.'),
  );
  return flag === undefined ? path || 'body' : `--${flag.names[0]}`;
}

/** Next steps name tools and fields: `crm_customer_get` is `g3n crm customer get`. */
function inWordsOfTheClient(step: string, commands: readonly CrmCommand[]): string {
  return step
    .replaceAll(/\bcrm_([a-z][a-z_]*[a-z])\b/g, (tool, id: string) => {
      const found = commands.find(({ operation }) => operation.id === id);
      return found === undefined ? tool : `g3n crm ${found.words.join(' ')}`;
    })
    .replaceAll(/\bexpected_revision\b/g, '--expected-revision (or --latest)');
}
