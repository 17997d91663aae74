/** The options that say what agents get to see, and how they and the environment make one answer. */
import { InvalidArgumentError, Option } from 'commander';
import { createApplication } from '../application.js';
import { type AgentEnvironment, ConfigError } from '../config.js';
import type { Log } from '../log.js';
import { DEFAULT_ANSWER_TOKENS, MIN_ANSWER_TOKENS } from '../mcp/answer-budget.js';
import { ConfirmError, type ConfirmMode, withConfirmation } from '../mcp/confirmation.js';
import type { Application } from '../mcp/server.js';
import { SelectionError } from '../mcp/visibility.js';
import { splitNames } from '../pipeline/headers.js';
import type { Serving } from './open-serving.js';
import { type ConfirmFlags, confirmOption } from './shared-options.js';

/** What `stdio` and `http` know of agents; what is not given comes from the environment. */
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
    new Option('--toolsets <names>', 'only the tools of these families, comma between').argParser(splitNames),
    new Option('--tools <names>', 'only these tools; with --toolsets, these too').argParser(splitNames),
    new Option('--exclude <names>', 'all tools but these').argParser(splitNames),
    new Option('--read-only', 'nothing can be written: no tool for it, no call, no database connection'),
    new Option('--lean', 'three tools that find, describe and call all operations, instead of a tool each'),
    new Option(
      '--max-answer-tokens <count>',
      `the longest answer to a model (default: ${DEFAULT_ANSWER_TOKENS})`,
    ).argParser(parseTokens),
    confirmOption(),
  ];
}

/** What agents get to see, and what they may do unasked. */
export interface AgentSettings extends AgentEnvironment {
  readonly confirm: ConfirmMode;
}

/** What agents get: by the flags where they are given, else by the environment. */
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

/** @throws ConfigError when the settings name tools that the contract does not have, or ask for what it cannot do. */
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
