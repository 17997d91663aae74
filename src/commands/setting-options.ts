/** Gives commands their settings as options, reads those that are not on the command line, and lists them in help. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ConfigError, checkVariables, ENVIRONMENT_SETTINGS, readVariables } from '../config.js';
import { readConfigFile } from '../settings/config-file.js';
import { givenText, isYesOrNo, type Setting, variableOf } from '../settings/setting.js';
import { COMMON_SETTINGS, type SettingName, settingOf } from '../settings/setting-table.js';
import { unknownVariables } from '../settings/unknown-variables.js';
import { ConfigFileError } from '../settings/yaml-file.js';

const SETTINGS_OF = new WeakMap<Command, readonly SettingName[]>();
const NAME_OF = new WeakMap<Option, SettingName>();

/** Gives a command these settings: those with a flag as options, the others as variables in its help. */
export function addSettings(command: Command, names: readonly SettingName[]): Command {
  for (const name of names) if (hasFlag(settingOf(name))) command.addOption(optionOf(name));
  SETTINGS_OF.set(command, [...settingsOf(command), ...names]);
  return command;
}

/** The settings of a command, besides those that every command has. */
export function settingsOf(command: Command): readonly SettingName[] {
  return SETTINGS_OF.get(command) ?? [];
}

/** Whether a setting can be given as a flag. */
export function hasFlag(setting: Setting): boolean {
  return setting.hasFlag !== false;
}

function optionOf(name: SettingName): Option {
  const setting = settingOf(name);
  const option = new Option([`--${name}`, setting.takes].filter(Boolean).join(' '), setting.description);
  if (setting.default !== undefined) option.default(setting.default);
  if (setting.preset !== undefined) option.preset(setting.preset);
  if (!isYesOrNo(setting) && !option.variadic) option.argParser((text) => parsedArgument(setting.parse, text));
  NAME_OF.set(option, name);
  return option;
}

/** What a reader makes of an argument. @throws InvalidArgumentError, which commander reports, with its message */
export function parsedArgument<Value>(parse: (text: string) => Value, text: string): Value {
  try {
    return parse(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

/**
 * Applies what is said elsewhere than on the command line. `env` becomes what is in force where there is no flag of the
 * command: the flags that every command has, the variables, and what the configuration file says besides. Options that
 * were not given get their values from it.
 * @throws ConfigError that names every invalid setting, but never its value.
 */
export async function applySettings(program: Command, command: Command, env: NodeJS.ProcessEnv): Promise<void> {
  const sources = new Map<string, SettingSource>();
  SOURCES_OF.set(env, sources);
  const add = (name: string, text: string, source: SettingSource) => {
    env[variableOf(name)] = text;
    sources.set(name, source);
  };
  for (const option of program.options) {
    const name = NAME_OF.get(option);
    const key = option.attributeName();
    if (name !== undefined && program.getOptionValueSource(key) === 'cli') add(name, program.opts()[key], 'flag');
  }
  const unknown = unknownVariables(env);
  const isDoctor = command.name() === 'doctor'; // which lists what is not valid with its other findings
  if (unknown.length > 0 && !isDoctor) throw new ConfigError(unknown.join('; '));
  const said = Object.entries(await readFile(env[variableOf('config')]));
  for (const [name, text] of said) if (env[variableOf(name)] === undefined) add(name, text, 'file');
  if (!isDoctor || isValid(env)) fillFromEnvironment(command, env);
}

/** Where a setting that is not a flag of the command comes from. */
type SettingSource = 'flag' | 'file' | 'variable';
const SOURCES_OF = new WeakMap<NodeJS.ProcessEnv, ReadonlyMap<string, SettingSource>>();

/** Where a setting in `env` comes from, once `applySettings` was called; undefined when it is not there. */
export function sourceOf(name: SettingName, env: NodeJS.ProcessEnv): SettingSource | undefined {
  return env[variableOf(name)] === undefined ? undefined : (SOURCES_OF.get(env)?.get(name) ?? 'variable');
}

function isValid(env: NodeJS.ProcessEnv): boolean {
  try {
    checkVariables(env);
    return true;
  } catch {
    return false;
  }
}

/** What the configuration file says, if there is one. */
async function readFile(path: string | undefined): ReturnType<typeof readConfigFile> {
  if (path === undefined) return {};
  try {
    return await readConfigFile(path);
  } catch (error) {
    throw error instanceof ConfigFileError ? new ConfigError(error.message) : error;
  }
}

/** `readEnvironment` reads the settings of the database later. */
function fillFromEnvironment(command: Command, env: NodeJS.ProcessEnv): void {
  const options = command.options.filter((option) => {
    const source = command.getOptionValueSource(option.attributeName());
    return isFilled(NAME_OF.get(option)) && source !== 'cli';
  });
  const given = options
    .map((option) => ({ option, name: NAME_OF.get(option) as SettingName }))
    .filter(({ name }) => givenText(settingOf(name), env[variableOf(name)]) !== undefined);
  const values = readVariables(
    env,
    given.map(({ name }) => name),
  );
  for (const { option, name } of given) command.setOptionValueWithSource(option.attributeName(), values[name], 'env');
}

function isFilled(name: SettingName | undefined): boolean {
  return name !== undefined && !(ENVIRONMENT_SETTINGS as readonly SettingName[]).includes(name);
}

/** The description of an option in the help: what it is for, its values, its default and its variable. */
export function describeOption(option: Option): string {
  const name = NAME_OF.get(option);
  const setting = name === undefined ? undefined : settingOf(name);
  const choices = option.argChoices ?? setting?.choices;
  const standard = setting === undefined ? textOf(option.defaultValue) : defaultOf(setting);
  const facts = [
    ...(choices === undefined ? [] : [`one of ${choices.join(', ')}`]),
    ...(standard === undefined ? [] : [`default: ${standard}`]),
    ...(name === undefined ? [] : [`env: ${variableOf(name)}`]),
  ];
  return facts.length === 0 ? option.description : `${option.description} (${facts.join('; ')})`;
}

/** The default of a setting, in words. */
export function defaultOf(setting: Setting): string | undefined {
  return setting.defaultText ?? textOf(setting.default);
}

function textOf(value: unknown): string | undefined {
  return value === undefined || value === false || (Array.isArray(value) && value.length === 0)
    ? undefined
    : String(value);
}

const INDENT = '  ';
const COLUMN = 28;
const WIDTH = 80;

/** The variables of a command that are no flags, as a section of its help. */
export function variablesHelp(command: Command): string {
  const names = [...settingsOf(command), ...COMMON_SETTINGS].filter((name) => !hasFlag(settingOf(name)));
  if (names.length === 0) return '';
  const lines = names.map((name) => {
    const standard = defaultOf(settingOf(name));
    const text = settingOf(name).description + (standard === undefined ? '' : ` (default: ${standard})`);
    return `${INDENT}${variableOf(name).padEnd(COLUMN)}${wrapped(text)}`;
  });
  return ['', 'Environment variables:', ...lines].join('\n');
}

function wrapped(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && INDENT.length + COLUMN + line.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join(`\n${' '.repeat(INDENT.length + COLUMN)}`);
}
