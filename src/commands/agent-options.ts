/** The settings that decide what agents see. */
import { createApplication } from '../application.js';
import { ConfigError } from '../config.js';
import type { Contract } from '../contract/operation.js';
import type { Log } from '../log.js';
import {
  ConfirmError,
  type ConfirmMode,
  type ConfirmOptions,
  requireConfirmable,
  withConfirmation,
} from '../mcp/confirmation.js';
import type { Application } from '../mcp/server.js';
import { type Selection, SelectionError, selectOperations } from '../mcp/visibility.js';
import type { SettingName } from '../settings/setting-table.js';
import type { Serving } from './open-serving.js';
import type { ConfirmFlags } from './shared-options.js';

/** Flags of `stdio` and `http` about agents. */
export interface AgentFlags extends ConfirmFlags {
  readonly toolsets?: readonly string[];
  readonly tools?: readonly string[];
  readonly exclude?: readonly string[];
  readonly readOnly: boolean;
  readonly lean: boolean;
  readonly maxAnswerTokens: number;
}

/** The settings of a command that serves agents. */
export const AGENT_SETTINGS = [
  'demo',
  'toolsets',
  'tools',
  'exclude',
  'read-only',
  'lean',
  'max-answer-tokens',
  'confirm',
] as const satisfies readonly SettingName[];

/** What agents see, and which of their calls a user must confirm. */
export interface AgentSettings {
  readonly selection: Selection;
  readonly readOnly: boolean;
  readonly lean: boolean;
  readonly answerTokens: number;
  readonly confirm: ConfirmMode;
}

export function agentSettings(flags: AgentFlags): AgentSettings {
  const { toolsets, tools, exclude, readOnly, lean, maxAnswerTokens: answerTokens, confirm } = flags;
  const selection = { ...(toolsets && { toolsets }), ...(tools && { tools }), ...(exclude && { exclude }) };
  return { selection, readOnly, lean, answerTokens, confirm };
}

/**
 * Creates the application that agents see. `onDecision` is told what users decide about confirmations.
 * @throws ConfigError when the settings name unknown tools, or a confirmation mode that the contract cannot support.
 */
export function agentApplication(
  serving: Serving,
  log: Log,
  settings: AgentSettings,
  onDecision?: ConfirmOptions['onDecision'],
): Application {
  return explained(() => {
    const application = createApplication(serving.backend, log, { ...serving, ...settings });
    const { keys, contract } = serving;
    return withConfirmation(application, { mode: settings.confirm, keys, operations: contract.operations, onDecision });
  });
}

/** Checks the settings before anything is opened. @throws ConfigError as `agentApplication`. */
export function checkAgentSettings(contract: Contract, { selection, confirm }: AgentSettings): void {
  explained(() => {
    selectOperations(contract, selection);
    requireConfirmable(confirm, contract.operations);
  });
}

function explained<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const mistake = error instanceof SelectionError || error instanceof ConfirmError;
    throw mistake ? new ConfigError(error.message) : error;
  }
}
