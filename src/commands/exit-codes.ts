/** The exit codes of every command, for the program, its help and the documentation. */
import { ConfigError } from '../config.js';
import { DatabaseFileError } from '../database-file/open-error.js';

export const EXIT_CODES = [
  { code: 0, meaning: 'success' },
  { code: 1, meaning: 'failure; also if verify finds discrepancies or a check of doctor fails' },
  { code: 2, meaning: 'usage error: a command, flag, variable, configuration file or credential is wrong' },
  {
    code: 3,
    meaning: 'a database or its key cannot be opened, or a file cannot be written; the message says what to do',
  },
] as const;

/** The code of what a command has thrown. commander throws an error for --help and --version too. */
export function exitCodeOf(error: unknown): (typeof EXIT_CODES)[number]['code'] {
  const { exitCode } = error as { readonly exitCode?: number };
  if (isOfCommander(error)) return exitCode === 0 ? 0 : 2;
  if (error instanceof ConfigError) return 2;
  return error instanceof DatabaseFileError ? 3 : 1;
}

/** Whether commander threw the error, which has then been shown. */
export function isOfCommander(error: unknown): boolean {
  return (error as { readonly code?: string }).code?.startsWith('commander.') === true;
}

/** The table as a section of the help. */
export function exitCodesHelp(): string {
  return ['', 'Exit codes:', ...EXIT_CODES.map(({ code, meaning }) => `  ${code}  ${meaning}`)].join('\n');
}
