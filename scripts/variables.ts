/** The environment variables of a server, for registries, from the settings of its command. */
import { createProgram } from '../src/commands/program.js';
import { defaultOf, settingsOf } from '../src/commands/setting-options.js';
import { CALLER_SETTINGS } from '../src/commands/shared-options.js';
import { isYesOrNo, variableOf } from '../src/settings/setting.js';
import { COMMON_SETTINGS, type SettingName, settingOf } from '../src/settings/setting-table.js';

export interface Variable {
  readonly name: string;
  readonly description: string;
  /** The value when the variable is not set. */
  readonly default?: string;
  readonly isRequired?: true;
  readonly isSecret?: true;
  readonly choices?: readonly string[];
}

/** The caller and the operating context of a stdio server. Over HTTP these are headers. */
export const CALLER_VARIABLES: readonly Variable[] = CALLER_SETTINGS.map(toVariable);

/** What else can be set for a server. */
export function variablesOf(command: 'stdio' | 'http'): readonly Variable[] {
  const found = createProgram('.').commands.find((candidate) => candidate.name() === command);
  if (found === undefined) throw new Error(`there is no command ${command}`);
  const names = [...settingsOf(found), ...COMMON_SETTINGS];
  return names.filter((name) => !(CALLER_SETTINGS as readonly SettingName[]).includes(name)).map(toVariable);
}

function toVariable(name: SettingName): Variable {
  const setting = settingOf(name);
  const choices = isYesOrNo(setting) ? ['true', 'false'] : setting.choices;
  const standard = isYesOrNo(setting) ? 'false' : setting.defaultText === undefined ? defaultOf(setting) : undefined;
  return {
    name: variableOf(name),
    description: sentence(setting.description),
    ...(standard === undefined ? {} : { default: standard }),
    ...(setting.isRequired ? { isRequired: true } : {}),
    ...(setting.isSecret ? { isSecret: true } : {}),
    ...(choices === undefined ? {} : { choices }),
  };
}

/** A description as a sentence. */
export function sentence(text: string): string {
  return text.replace(/^./, (first) => first.toUpperCase());
}
