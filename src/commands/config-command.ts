/** The `config` command: shows which settings are in force, and where each comes from. */
import type { Command } from 'commander';
import { checkVariables } from '../config.js';
import { type Setting, variableOf } from '../settings/setting.js';
import { SETTINGS, type SettingName, settingOf } from '../settings/setting-table.js';
import { isPostgresUrl } from '../store/postgres/connection-url.js';
import { jsonOption, type OutputFlags, printRows } from './output.js';
import { defaultOf, hasFlag, sourceOf } from './setting-options.js';

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
  checkVariables(process.env);
  const rows = (Object.keys(SETTINGS) as SettingName[]).map((name) => rowOf(name, process.env));
  printRows({ name: 'settings', rows }, flags);
}

function rowOf(name: SettingName, env: NodeJS.ProcessEnv) {
  const setting = settingOf(name);
  const source = sourceOf(name, env);
  if (source === undefined) return { setting: name, value: defaultOf(setting) ?? null, source: 'default' };
  const place = { flag: `--${name}`, file: env[variableOf('config')], variable: variableOf(name) }[source];
  return { setting: name, value: withoutSecret(setting, env[variableOf(name)] ?? ''), source: `${source} ${place}` };
}

const HIDDEN = '(hidden)';

/** What a flag can be given has at most a secret in a URL; anything else that is secret is so as a whole. */
function withoutSecret(setting: Setting, text: string): string {
  if (setting.isSecret === true && !hasFlag(setting)) return text === '' ? '' : HIDDEN;
  return isPostgresUrl(text) ? withoutPassword(text) : withoutCredentials(text);
}

/** Up to the last @: a password can have one that is not escaped. */
const PASSWORD = /(:\/\/[^/?#@:]*:).*(?=@)/;
const PASSWORD_IN_QUERY = /([?&](?:password|sslpassword)=)[^&]*/gi;

function withoutPassword(url: string): string {
  return url.replace(PASSWORD_IN_QUERY, `$1${HIDDEN}`).replace(PASSWORD, `$1${HIDDEN}`);
}

const AUTHORITY = /^(\w+:\/\/)([^/?#]*)(.*)$/s;
const VALUE_IN_QUERY = /([?&#])([^?&#=]*=)?[^?&#]+/g;

/** A token may stand in place of the user or anywhere in the query. */
function withoutCredentials(text: string): string {
  const [, scheme, authority = '', rest = ''] = AUTHORITY.exec(text) ?? [];
  if (scheme === undefined) return text;
  const at = authority.lastIndexOf('@');
  if (at < 0 && rest.includes('@')) return `${scheme}${HIDDEN}`; // perhaps a password with / or ?
  const host = at < 0 ? authority : `${HIDDEN}${authority.slice(at)}`;
  return scheme + host + rest.replace(VALUE_IN_QUERY, `$1$2${HIDDEN}`);
}
