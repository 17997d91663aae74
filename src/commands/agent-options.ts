/** The options that decide what agents see, merged with the environment into one set of settings. */
import { InvalidArgumentError, Option } from 'commander';
import { createApplication } from '../application.js';
import { type AgentEnvironment, ConfigError } from '../config.js';
import type { Log } from '../log.js';
import { ConfirmError, type ConfirmMode, withConfirmation } from '../mcp/confirmation.js';
import { DEFAULT_ANSWER_TOKENS, MIN_ANSWER_TOKENS } from '../mcp/response-budget.js';
import type { Application } from '../mcp/server.js';
import { SelectionError } from '../mcp/visibility.js';
import { splitNames } from '../pipeline/headers.js';
import type { Serving } from './open-serving.js';
import { type ConfirmFlags, confirmOption } from './shared-options.js';

/** Flags of `stdio` and `http` about agents. A flag that is not given is read from the environment. */
export interface AgentFlags extends ConfirmFlags {
  readonly toolsets?: readonly string[];
  readonly tools?: readonly string[];
  readonly exclude?: readonly string[];
  readonly readOnly?: true;
  readonly lean?: true;
  readonly maxAnswerTokens?: number;
}

/** The options of a command that serves agents. */
export function agentOptions(): readonly Option[] {
  return [
    new Option('--toolsets <names>', 'only the tools of these families, comma-separated (env: G3N_TOOLSETS)').argParser(
      splitNames,
    ),
    new Option(
      '--tools <names>',
      'only these tools, comma-separated; with --toolsets, these in addition (env: G3N_TOOLS)',
    ).argParser(splitNames),
    new Option('--exclude <names>', 'all tools except these, comma-separated (env: G3N_EXCLUDE)').argParser(splitNames),
    new Option(
      '--read-only',
      'reject every write: offer no tools that write, and open the database read-only (env: G3N_READ_ONLY)',
    ),
    new Option('--lean', 'three tools that find, describe and call any operation, not one tool each (env: G3N_LEAN)'),
    new Option(
      '--max-answer-tokens <count>',
      `response budget: maximum tokens per tool result (default: ${DEFAULT_ANSWER_TOKENS}; env: G3N_MAX_ANSWER_TOKENS)`,
    ).argParser(parseTokens),
    confirmOption(),
  ];
}

/** What agents see, and which of their calls a user must confirm. */
export interface AgentSettings extends AgentEnvironment {
  readonly confirm: ConfirmMode;
}

/** Merges flags and environment; a flag that is given wins. */
export function agentSettings(flags: AgentFlags, environment: AgentEnvironment): AgentSettings {
  const { toolsets, tools, exclude } = { ...environment.selection, ...flags };
  return {
    selection: { ...(toolsets && { toolsets }), ...(tools && { tools }), ...(exclude && { exclude }) },
    readOnly: flags.readOnly ?? environment.readOnly,
    lean: flags.lean ?? environment.lean,
    answerTokens: flags.maxAnswerTokens ?? environment.answerTokens,
    confirm: flags.confirm,
  };
}

/**
 * Creates the application that agents see.
 * @throws ConfigError when the settings name unknown tools, or a confirmation mode that the contract cannot support.
 */
export function agentApplication(serving: Serving, log: Log, settings: AgentSettings): Application {
  try {
    const application = createApplication(serving.backend, log, { ...serving, ...settings });
    const { keys, contract } = serving;
    return withConfirmation(application, { mode: settings.confirm, keys, operations: contract.operations });
  } catch (error) {
    const mistake = error instanceof SelectionError || error instanceof ConfirmError;
    throw mistake ? new ConfigError(error.message) : error;
  }
}

function parseTokens(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < MIN_ANSWER_TOKENS) {
    throw new InvalidArgumentError(`must be a whole number of at least ${MIN_ANSWER_TOKENS}`);
  }
  return count;
}
