/** The `config` command: shows which settings are in force, and where each comes from. */
import type { Command } from 'commander';
import { readVariables } from '../config.js';
import { type Setting, variableOf } from '../settings/setting.js';
import { SETTINGS, type SettingName, settingOf } from '../settings/setting-table.js';
import { jsonOption, type OutputFlags, printRows } from './output.js';
import { defaultOf, hasFlag, isFromFile } from './setting-options.js';

/** Adds `config print`. */
export function addConfig(program: Command): void {
  program
    .command('config')
    .description('show the settings that are in force')
    .command('print')
    .description('check all settings of the environment and the configuration file, and list them with their source')
    .addOption(jsonOption())
    .action((flags: OutputFlags) => printSettings(flags));
}

/** @throws ConfigError that names every invalid setting. */
function printSettings(flags: OutputFlags): void {
  const names = Object.keys(SETTINGS) as SettingName[];
  const given = names.filter((name) => !isSwitch(name));
  readVariables(process.env, given);
  const rows = names.map((name) => rowOf(name, process.env));
  printRows({ name: 'settings', rows }, flags);
}

/** `true` and `false` stand for a flag without its value. */
function isSwitch(name: SettingName): boolean {
  return settingOf(name).preset !== undefined && ['true', 'false'].includes(process.env[variableOf(name)] ?? '');
}

function rowOf(name: SettingName, env: NodeJS.ProcessEnv) {
  const text = env[variableOf(name)];
  const setting = settingOf(name);
  if (text === undefined) return { setting: name, value: defaultOf(setting) ?? null, source: 'default' };
  const source = isFromFile(name, env) ? `file ${env[variableOf('config')]}` : `variable ${variableOf(name)}`;
  return { setting: name, value: setting.isSecret === true ? withoutSecret(setting, text) : text, source };
}

const HIDDEN = '(hidden)';
/** Up to the last @: a password can have one that is not escaped. */
const PASSWORD = /(:\/\/[^/?#@:]*:).*(?=@)/;
/** Of a proxy also a token in place of the user. */
const USER = /(^https?:\/\/)[^/?#]*(?=@)/;
const IN_QUERY = /([?&](?:password|sslpassword)=)[^&]*/gi;

/** What a flag can be given has at most a password in a URL; anything else is secret as a whole. */
function withoutSecret(setting: Setting, text: string): string {
  if (!hasFlag(setting)) return HIDDEN;
  return text.replace(USER, `$1${HIDDEN}`).replace(PASSWORD, `$1${HIDDEN}`).replace(IN_QUERY, `$1${HIDDEN}`);
}
